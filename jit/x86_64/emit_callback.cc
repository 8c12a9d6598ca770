// Helpers that call functions of the program back: the rounds are made by generated code, so that nothing nests.
#include <cerrno>
#include <cstddef>

#include "jit/x86_64/emitter.h"
#include "vm/exec_env.h"
#include "vm/helper_desc.h"
#include "vm/maps/map.h"

namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::al;
using Xbyak::util::dword;
using Xbyak::util::eax;
using Xbyak::util::edx;
using Xbyak::util::ptr;
using Xbyak::util::qword;
using Xbyak::util::r12;
using Xbyak::util::rax;
using Xbyak::util::rcx;
using Xbyak::util::rdi;
using Xbyak::util::rdx;
using Xbyak::util::rsi;
using Xbyak::util::rsp;

bool next_element(vm::Map* map, vm::MapCursor* cursor, unsigned cpu) noexcept {
  return map->next_element(*cursor, cpu);
}

constexpr int kCursor = offsetof(Rounds, cursor);
constexpr int kCursorWords[] = {kCursor + offsetof(vm::MapCursor, position), kCursor + offsetof(vm::MapCursor, key),
                                kCursor + offsetof(vm::MapCursor, value), kCursor + offsetof(vm::MapCursor, seen),
                                kCursor + offsetof(vm::MapCursor, index)};
static_assert(sizeof(vm::MapCursor) == 8 * std::size(kCursorWords));

constexpr std::uint64_t error_number(int error) { return static_cast<std::uint64_t>(-std::int64_t{error}); }

}  // namespace

// rdi = how often or the map, rsi = function, rdx = its context, rcx = flags. The order of the checks is the
// interpreter's. r6..r9 may all be changed by whatever is called.
void Emitter::emit_call_back(const Op& op) {
  const auto base = static_cast<int>(layout_.save);
  const auto each_saved = [&](auto&& act) {
    int place = 0;
    for (unsigned bpf = 6; bpf <= 9; ++bpf) {
      if ((function_->saved >> bpf & 1) == 0) continue;
      act(qword[rsp + place], reg64(bpf));
      place += 8;
    }
  };
  each_saved([this](const Xbyak::Address& at, const Reg64& r) { a_.mov(at, r); });
  a_.mov(qword[rsp + base + static_cast<int>(offsetof(Rounds, first))], rdi);
  a_.mov(qword[rsp + base + static_cast<int>(offsetof(Rounds, function))], rsi);
  a_.mov(qword[rsp + base + static_cast<int>(offsetof(Rounds, context))], rdx);
  a_.xor_(eax, eax);
  a_.mov(qword[rsp + base + static_cast<int>(offsetof(Rounds, done))], rax);
  if (op.helper->callback == vm::CallbackKind::kLoop) {
    emit_loop_rounds(base);
  } else {
    for (const int word : kCursorWords) a_.mov(qword[rsp + base + word], rax);
    emit_element_rounds(base);
  }
  each_saved([this](const Xbyak::Address& at, const Reg64& r) { a_.mov(r, at); });
  emit_frame_register();
  upper_zero_ = 0;
}

void Emitter::emit_loop_rounds(int base) {
  const auto at = [base](std::size_t member) { return qword[rsp + base + static_cast<int>(member)]; };
  a_.mov(rax, error_number(EINVAL));
  a_.test(rcx, rcx);
  const Assembler::Ahead flags = a_.jump_ahead(Flag::kNotEqual);
  a_.mov(rax, error_number(E2BIG));
  a_.cmp(rdi, static_cast<int>(vm::kMaxLoops));
  const Assembler::Ahead too_many = a_.jump_ahead(Flag::kAbove);
  const std::size_t again = a_.getSize();
  a_.mov(rdi, at(offsetof(Rounds, done)));
  a_.cmp(rdi, at(offsetof(Rounds, first)));
  const Assembler::Ahead all = a_.jump_ahead(Flag::kAboveEqual);
  a_.inc(at(offsetof(Rounds, done)));
  a_.mov(rsi, at(offsetof(Rounds, context)));
  a_.call(at(offsetof(Rounds, function)));
  a_.test(rax, rax);
  a_.jump_back(Flag::kEqual, again);
  a_.land(all);
  a_.mov(rax, at(offsetof(Rounds, done)));
  a_.land(flags);
  a_.land(too_many);
}

void Emitter::emit_element_rounds(int base) {
  const auto at = [base](std::size_t member) { return qword[rsp + base + static_cast<int>(member)]; };
  a_.mov(rax, error_number(EINVAL));
  a_.test(rcx, rcx);
  const Assembler::Ahead flags = a_.jump_ahead(Flag::kNotEqual);
  const std::size_t again = a_.getSize();
  a_.mov(rdi, at(offsetof(Rounds, first)));
  a_.lea(rsi, ptr[rsp + base + kCursor]);
  a_.mov(edx, dword[r12 + offsetof(vm::ExecEnv, cpu)]);
  a_.call_address(reinterpret_cast<std::uint64_t>(&next_element));
  a_.test(al, al);
  const Assembler::Ahead all = a_.jump_ahead(Flag::kEqual);
  a_.mov(rdi, at(offsetof(Rounds, first)));
  a_.mov(rsi, at(kCursor + offsetof(vm::MapCursor, key)));
  a_.mov(rdx, at(kCursor + offsetof(vm::MapCursor, value)));
  a_.mov(rcx, at(offsetof(Rounds, context)));
  a_.call(at(offsetof(Rounds, function)));
  a_.test(rax, rax);
  a_.jump_back(Flag::kEqual, again);
  a_.land(all);
  a_.mov(rax, at(kCursor + offsetof(vm::MapCursor, seen)));
  a_.land(flags);
}

}  // namespace sluice::jit::x86_64
