#include <bit>
#include <cerrno>
#include <cstddef>

#include "jit/x86_64/emitter.h"
#include "vm/exec_env.h"
#include "vm/maps/array_view.h"
#include "vm/maps/map.h"
#include "vm/maps/percpu_array_view.h"
#include "vm/maps/prog_array_view.h"
#include "vm/xdp.h"

namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::dword;
using Xbyak::util::eax;
using Xbyak::util::edx;
using Xbyak::util::ptr;
using Xbyak::util::qword;
using Xbyak::util::r10;
using Xbyak::util::r10d;
using Xbyak::util::r11;
using Xbyak::util::r12;
using Xbyak::util::r9;
using Xbyak::util::rax;
using Xbyak::util::rbp;
using Xbyak::util::rcx;
using Xbyak::util::rdi;
using Xbyak::util::rdx;
using Xbyak::util::rsi;
using Xbyak::util::rsp;
using Xbyak::util::word;

// What the generated code calls to find a tail call's target when the map is known only at run time.
const vm::ProgramSlot* find_slot(const vm::Map* map, std::uint32_t index) noexcept {
  return static_cast<const vm::ProgArray*>(map)->slot(index);
}

// A fetched entry of a program slot is loaded once; the slot's pointer came with an acquire load.
constexpr int kEntry = offsetof(vm::ProgramSlot, entry);
constexpr int kStage = offsetof(vm::ProgramSlot, stage);
constexpr int kDepth = offsetof(vm::XdpContext, depth);
constexpr int kPath = offsetof(vm::XdpContext, path);
static_assert(sizeof(vm::XdpContext{}.path[0]) == 2);

}  // namespace

void Emitter::emit_call_helper(const Op& op) {
  upper_zero_ = 0;
  if (op.helper->effect == vm::Effect::kTailCall) {
    emit_tail_call(op);
    return;
  }
  if (op.helper->id == kGetSmpProcessorId) {
    a_.mov(eax, dword[r12 + offsetof(vm::ExecEnv, cpu)]);
    set_upper_zero(0, true);
    return;
  }
  if (op.helper->id == kMapLookupElem && op.map != nullptr && emit_lookup_inline(op)) return;
  a_.mov(r9, r12);  // the environment is the sixth argument
  a_.call_address(reinterpret_cast<std::uint64_t>(op.helper->fn));
}

// rdi = context, rsi = map, edx = index. On success control does not come back; otherwise r0 says why, as the
// interpreter does. The order of the checks is the kernel's.
void Emitter::emit_tail_call(const Op& op) {
  std::vector<Assembler::Ahead> invalid;
  std::vector<Assembler::Ahead> absent;
  const bool known = op.map != nullptr && op.map->spec().type == vm::MapType::kProgArray;
  if (known) {
    a_.cmp(edx, op.map->spec().max_entries);
  } else {
    a_.mov(r11, rdi);
    emit_find_slot_call();
  }
  (void)absent;
  (void)invalid;
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
  if ((function_->used >> vm::kFrameRegister & 1) != 0) a_.lea(rbp, ptr[rsp + layout_.save + layout_.stack]);
  upper_zero_ = 0;
}

}  // namespace sluice::jit::x86_64
