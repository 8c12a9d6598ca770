#include <cerrno>
#include <cstddef>

#include "jit/x86_64/emitter.h"
#include "vm/exec_env.h"
#include "vm/maps/map.h"
#include "vm/maps/prog_array_view.h"
#include "vm/xdp.h"

namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::dword;
using Xbyak::util::dx;
using Xbyak::util::eax;
using Xbyak::util::ecx;
using Xbyak::util::edx;
using Xbyak::util::esi;
using Xbyak::util::qword;
using Xbyak::util::r11;
using Xbyak::util::r12;
using Xbyak::util::r8d;
using Xbyak::util::r9;
using Xbyak::util::rax;
using Xbyak::util::rcx;
using Xbyak::util::rdi;
using Xbyak::util::rdx;
using Xbyak::util::rsi;
using Xbyak::util::rsp;
using Xbyak::util::word;

// What generated code calls when it does not know the prog array, or knows no view of it: the slot to go to, or a
// negative errno. The order of the checks is the interpreter's.
std::int64_t resolve_tail_call(const vm::Map* map, std::uint32_t index, const vm::XdpContext* frame) noexcept {
  if (index >= map->spec().max_entries) return -EINVAL;
  if (frame->depth >= vm::kMaxTailCalls) return -ELOOP;
  const vm::ProgramSlot* const slot = static_cast<const vm::ProgArray*>(map)->slot(index);
  return slot != nullptr && slot->entry != nullptr ? reinterpret_cast<std::int64_t>(slot) : -ENOENT;
}

constexpr int kEntry = offsetof(vm::ProgramSlot, entry);
constexpr int kStage = offsetof(vm::ProgramSlot, stage);
constexpr int kDepth = offsetof(vm::XdpContext, depth);
constexpr int kPath = offsetof(vm::XdpContext, path);
static_assert(sizeof(vm::XdpContext{}.path[0]) == 2);

constexpr std::uint64_t error_number(int error) { return static_cast<std::uint64_t>(-std::int64_t{error}); }

}  // namespace

unsigned Emitter::emit_call_helper(std::uint32_t slot) {
  const Op& op = lowered_.ops[slot];
  upper_zero_ = 0;
  if (const unsigned done = emit_lookup(slot); done != 0) return done;
  if (op.helper->effect == vm::Effect::kTailCall) {
    emit_tail_call(op);
    return 1;
  }
  if (op.helper->effect == vm::Effect::kCallback) {
    emit_call_back(op);
    return 1;
  }
  if (op.helper->id == kGetSmpProcessorId) {
    a_.mov(eax, dword[r12 + offsetof(vm::ExecEnv, cpu)]);
    set_upper_zero(0, true);
    return 1;
  }
  if (op.helper->effect == vm::Effect::kSetCallback) {
    a_.load_function(rdx, callback_entry());
    a_.xor_(ecx, ecx);
    a_.xor_(r8d, r8d);
  }
  a_.mov(r9, r12);  // the environment is the sixth argument
  a_.call_address(reinterpret_cast<std::uint64_t>(op.helper->fn));
  return 1;
}

// rdi = context, rsi = map, edx = index. On success control does not come back; otherwise r0 is the negative errno.
void Emitter::emit_tail_call(const Op& op) {
  const bool known = op.map != nullptr && op.map->spec().type == vm::MapType::kProgArray;
  const auto* const view = known ? static_cast<const vm::ProgArrayView*>(op.map->view()) : nullptr;
  if (view != nullptr) {
    emit_tail_call_inline(*view);
    return;
  }
  a_.mov(rdi, rsi);
  a_.mov(esi, edx);
  a_.mov(rdx, qword[r12 + offsetof(vm::ExecEnv, frame)]);
  a_.call_address(reinterpret_cast<std::uint64_t>(&resolve_tail_call));
  a_.test(rax, rax);
  const Assembler::Ahead failed = a_.jump_ahead(Flag::kSign);
  a_.mov(rdi, qword[r12 + offsetof(vm::ExecEnv, frame)]);
  a_.mov(ecx, dword[rdi + kDepth]);
  a_.mov(r11, qword[rax + kEntry]);
  emit_enter_slot();
  a_.land(failed);
}

// The slot's pointer is loaded once; a load on x86 is an acquire load, which pairs with the release store of `set`.
void Emitter::emit_tail_call_inline(const vm::ProgArrayView& view) {
  a_.mov(edx, edx);
  a_.cmp(edx, view.max_entries);
  const Assembler::Ahead invalid = a_.jump_ahead(Flag::kAboveEqual);
  a_.mov(ecx, dword[rdi + kDepth]);
  a_.cmp(ecx, vm::kMaxTailCalls);
  const Assembler::Ahead too_deep = a_.jump_ahead(Flag::kAboveEqual);
  a_.load_address(rax, reinterpret_cast<std::uint64_t>(view.slots));
  a_.mov(rax, qword[rax + rdx * 8]);
  a_.test(rax, rax);
  const Assembler::Ahead empty = a_.jump_ahead(Flag::kEqual);
  a_.mov(r11, qword[rax + kEntry]);
  a_.test(r11, r11);
  const Assembler::Ahead not_compiled = a_.jump_ahead(Flag::kEqual);
  emit_enter_slot();
  a_.land(invalid);
  a_.mov(rax, error_number(EINVAL));
  const Assembler::Ahead invalid_done = a_.jump_ahead();
  a_.land(too_deep);
  a_.mov(rax, error_number(ELOOP));
  const Assembler::Ahead too_deep_done = a_.jump_ahead();
  a_.land(empty);
  a_.land(not_compiled);
  a_.mov(rax, error_number(ENOENT));
  a_.land(invalid_done);
  a_.land(too_deep_done);
}

// rdi = context, ecx = its depth, rax = slot, r11 = the slot's entry: count, note the stage, go.
void Emitter::emit_enter_slot() {
  a_.inc(ecx);
  a_.mov(dword[rdi + kDepth], ecx);
  a_.movzx(edx, word[rax + kStage]);
  a_.mov(word[rdi + rcx * 2 + kPath], dx);
  emit_leave_frame();
  a_.jmp(r11);
}

void Emitter::emit_call_local(const Op& op) {
  const Function& callee = lowered_.functions[op.target];
  const auto kept = static_cast<std::uint16_t>(callee.clobbers & function_->saved);
  const auto each_kept = [&](auto&& act) {
    int place = 0;
    for (unsigned bpf = 6; bpf <= 9; ++bpf) {
      if ((function_->saved >> bpf & 1) == 0) continue;
      if ((kept >> bpf & 1) != 0) act(qword[rsp + place], reg64(bpf));
      place += 8;
    }
  };
  each_kept([this](const Xbyak::Address& at, const Reg64& r) { a_.mov(at, r); });
  a_.call_function(static_cast<std::uint32_t>(lowered_.ops.size()) + op.target);
  each_kept([this](const Xbyak::Address& at, const Reg64& r) { a_.mov(r, at); });
  emit_frame_register();
  upper_zero_ = 0;
}

}  // namespace sluice::jit::x86_64
