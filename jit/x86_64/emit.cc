#include <bit>
#include <cstddef>

#include "jit/x86_64/emitter.h"
#include "vm/exec_env.h"
#include "vm/timers.h"
#include "vm/xdp.h"

namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::dword;
using Xbyak::util::eax;
using Xbyak::util::ptr;
using Xbyak::util::qword;
using Xbyak::util::r12;
using Xbyak::util::r8;
using Xbyak::util::rax;
using Xbyak::util::rbp;
using Xbyak::util::rcx;
using Xbyak::util::rdi;
using Xbyak::util::rdx;
using Xbyak::util::rsp;
using Xbyak::util::xmm0;

// Callee-saved registers of the System V ABI that programs may change, as BPF registers; r12 is always saved.
constexpr unsigned kAbiSaved[] = {6, 7, 8, 9, 10};
constexpr std::uint16_t kAbiSavedMask = 0x7c0;

// Locals of the burst entry, from rsp.
constexpr unsigned kBurstFrame = 0;    // XdpContext* being run
constexpr unsigned kBurstVerdict = 8;  // where its verdict goes
constexpr unsigned kBurstEnd = 16;     // one past the last verdict
constexpr unsigned kBurstLocals = 24;

// Registers an outermost entry has to save: what the program and those it may tail-call change.
std::uint16_t changed_registers(const Lowered& lowered) {
  std::uint16_t changed = 0;
  for (const Function& f : lowered.functions) changed |= f.tail_calls ? kAbiSavedMask : f.used & kAbiSavedMask;
  return changed;
}

}  // namespace

Emitter::Emitter(const Lowered& lowered, Features features, Placement placement, const Code* previous)
    : lowered_(lowered), features_(features), previous_(previous), a_(allocator_, placement) {}

Code Emitter::emit() {
  const std::size_t slots = lowered_.ops.size();
  code_.offsets.resize(slots + 1);
  code_.targets.resize(slots);
  // Where local calls go: a function's prologue, which is not where jumps to its first slot go. Numbered after slots.
  goals_.resize(slots + lowered_.functions.size() + 1);
  emit_entry();
  for (std::size_t f = 0; f < lowered_.functions.size(); ++f) {
    a_.align(16);
    goals_[slots + f] = static_cast<std::uint32_t>(a_.getSize());
    emit_function(lowered_.functions[f]);
  }
  if (lowered_.sets_callbacks) {
    a_.align(16);
    goals_[callback_entry()] = static_cast<std::uint32_t>(a_.getSize());
    emit_callback_entry();
  }
  code_.offsets[slots] = static_cast<std::uint32_t>(a_.getSize());
  code_.frame_entry = goals_[slots];
  std::copy(code_.targets.begin(), code_.targets.end(), goals_.begin());
  a_.patch_jumps(goals_);
  const auto* const bytes = reinterpret_cast<const std::byte*>(a_.getCode());
  code_.bytes.assign(bytes, bytes + a_.getSize());
  return std::move(code_);
}

// Bytes pushed, the return address among them.
unsigned Emitter::emit_save_registers() {
  const std::uint16_t changed = changed_registers(lowered_);
  unsigned pushed = 8;
  for (const unsigned bpf : kAbiSaved) {
    if ((changed >> bpf & 1) == 0) continue;
    a_.push(reg64(bpf));
    pushed += 8;
  }
  a_.push(r12);
  return pushed + 8;
}

void Emitter::emit_restore_registers() {
  const std::uint16_t changed = changed_registers(lowered_);
  a_.pop(r12);
  for (unsigned i = std::size(kAbiSaved); i-- > 0;) {
    if ((changed >> kAbiSaved[i] & 1) != 0) a_.pop(reg64(kAbiSaved[i]));
  }
}

// vm::TimerCallback::Enter. rdi = map, rsi = key, rdx = value: r1 to r3 are in place; rcx = environment, r8 = callback.
void Emitter::emit_callback_entry() {
  const unsigned padding = emit_save_registers() % 16;
  if (padding != 0) a_.sub(rsp, padding);
  a_.mov(r12, rcx);
  a_.call(qword[r8 + offsetof(vm::TimerCallback, function)]);
  if (padding != 0) a_.add(rsp, padding);
  emit_restore_registers();
  a_.ret();
}

void Emitter::emit_entry() {
  code_.entry = 0;
  const unsigned pushed = emit_save_registers();
  if (lowered_.program->type->context == vm::ContextKind::kXdp) {
    emit_burst_entry(pushed);
  } else {
    const unsigned padding = pushed % 16;
    a_.mov(r12, rdx);
    if (padding != 0) a_.sub(rsp, padding);
    emit_memory_entry();
    if (padding != 0) a_.add(rsp, padding);
  }
  emit_restore_registers();
  a_.ret();
}

// rdi = frames, esi = n, rdx = verdicts, rcx = environment.
void Emitter::emit_burst_entry(unsigned saved_bytes) {
  const unsigned locals = kBurstLocals + (saved_bytes + kBurstLocals) % 16;
  a_.sub(rsp, locals);
  a_.test(Xbyak::util::esi, Xbyak::util::esi);
  const Assembler::Ahead empty = a_.jump_ahead(Flag::kEqual);
  a_.mov(r12, rcx);
  a_.mov(Xbyak::util::esi, Xbyak::util::esi);
  a_.lea(rax, ptr[rdx + Xbyak::util::rsi * 4]);
  a_.mov(qword[rsp + kBurstEnd], rax);
  a_.mov(qword[rsp + kBurstFrame], rdi);
  a_.mov(qword[rsp + kBurstVerdict], rdx);
  const std::size_t again = a_.getSize();
  a_.mov(qword[r12 + offsetof(vm::ExecEnv, frame)], rdi);
  a_.call_function(static_cast<std::uint32_t>(lowered_.ops.size()));
  a_.mov(rdx, qword[rsp + kBurstVerdict]);
  a_.mov(dword[rdx], eax);
  a_.add(rdx, 4);
  a_.mov(qword[rsp + kBurstVerdict], rdx);
  a_.mov(rdi, qword[rsp + kBurstFrame]);
  a_.add(rdi, sizeof(vm::XdpContext));
  a_.mov(qword[rsp + kBurstFrame], rdi);
  a_.cmp(rdx, qword[rsp + kBurstEnd]);
  a_.jump_back(Flag::kNotEqual, again);
  a_.land(empty);
  a_.add(rsp, locals);
}

// rdi = data, rsi = size: r1 and r2 are in place.
void Emitter::emit_memory_entry() { a_.call_function(static_cast<std::uint32_t>(lowered_.ops.size())); }

void Emitter::emit_function(const Function& function) {
  function_ = &function;
  upper_zero_ = 0;
  code_.offsets[function.start] = static_cast<std::uint32_t>(a_.getSize());
  emit_prologue();
  for (std::uint32_t slot = function.start; slot < function.end;) {
    const auto here = static_cast<std::uint32_t>(a_.getSize());
    if (slot != function.start) code_.offsets[slot] = here;
    code_.targets[slot] = here;
    if (lowered_.ops[slot].leader) upper_zero_ = 0;
    const unsigned done = emit_insn(slot);
    // Slots that were translated together share one place; none of them is a jump target.
    for (unsigned i = 1; i < done; ++i) {
      code_.offsets[slot + i] = code_.targets[slot + i] = static_cast<std::uint32_t>(a_.getSize());
    }
    slot += done;
  }
  emit_rare();
}

void Emitter::emit_prologue() {
  const Function& f = *function_;
  layout_.save = (static_cast<unsigned>(std::popcount(f.saved)) * 8 + 15) & ~15U;
  layout_.stack = (f.stack_bytes + 15) & ~15U;
  layout_.rounds = f.calls_back ? kRoundsBytes : 0;
  layout_.total = layout_.save + layout_.rounds + layout_.stack;
  if (f.calls || layout_.total != 0) layout_.total += 8;  // the return address makes it a multiple of 16
  if (layout_.total != 0) a_.sub(rsp, layout_.total);
  emit_frame_register();
  emit_clear();
}

void Emitter::emit_frame_register() {
  if ((function_->used >> vm::kFrameRegister & 1) == 0) return;
  a_.lea(rbp, ptr[rsp + layout_.save + layout_.rounds + layout_.stack]);
}

// Slots are cleared in pairs where two neighbours are wanted.
void Emitter::emit_clear() {
  std::uint64_t left = function_->clear;
  if (left == 0) return;
  a_.pxor(xmm0, xmm0);
  while (left != 0) {
    const auto slot = static_cast<unsigned>(std::countr_zero(left));
    const bool pair = (left >> slot & 3) == 3;
    if (pair) {
      a_.movups(ptr[rbp - static_cast<int>(8 * (slot + 2))], xmm0);
    } else {
      a_.movq(ptr[rbp - static_cast<int>(8 * (slot + 1))], xmm0);
    }
    left &= ~(std::uint64_t{pair ? 3U : 1U} << slot);
  }
}

void Emitter::emit_leave_frame() {
  if (layout_.total != 0) a_.add(rsp, layout_.total);
}

unsigned Emitter::emit_insn(std::uint32_t slot) {
  const Op& op = lowered_.ops[slot];
  if (!op.reachable) {
    a_.ud2();
    return 1;
  }
  const vm::InsnRow& row = *op.row;
  const vm::Insn& insn = insn_at(slot);
  if (is_dead(slot)) return slots(row);
  switch (row.kind) {
    case vm::Kind::kAlu: return emit_alu(slot);
    case vm::Kind::kEndian: emit_endian(row, insn); break;
    case vm::Kind::kLoad:
      if (fuse_operand(slot)) return 2;
      emit_load(slot, reg64(insn.src));
      break;
    case vm::Kind::kLoadSigned: emit_load_signed(slot, reg64(insn.src)); break;
    case vm::Kind::kStore: emit_store(row, insn, reg64(insn.dst)); break;
    case vm::Kind::kStoreImm: emit_store_number(row.size, reg64(insn.dst) + insn.offset, insn.imm); break;
    case vm::Kind::kAtomic: emit_atomic(row, insn); break;
    case vm::Kind::kLoadImm64: emit_imm64(slot); return 2;
    case vm::Kind::kGoto: emit_goto(slot); break;
    case vm::Kind::kBranch: emit_branch(slot); break;
    case vm::Kind::kCallHelper: return emit_call_helper(slot);
    case vm::Kind::kCallLocal: emit_call_local(op); break;
    case vm::Kind::kExit: emit_exit(); break;
    case vm::Kind::kCallKernel:
    case vm::Kind::kLegacyLoad: a_.ud2(); break;  // refused by `lower`
  }
  return 1;
}

void Emitter::emit_imm64(std::uint32_t slot) {
  const vm::Insn& insn = insn_at(slot);
  const Op& op = lowered_.ops[slot];
  if (static_cast<vm::Imm64>(insn.src) == vm::Imm64::kCode) {
    a_.load_function(reg64(insn.dst), static_cast<std::uint32_t>(lowered_.ops.size()) + op.target);
    set_upper_zero(insn.dst, false);
    return;
  }
  if (op.imm == 0) {
    a_.xor_(reg32(insn.dst), reg32(insn.dst));
  } else if (op.imm >= 0xffffffff80000000U) {
    a_.mov(reg64(insn.dst), op.imm);  // as a sign-extended 32-bit immediate
  } else {
    a_.load_address(reg64(insn.dst), op.imm);
  }
  set_upper_zero(insn.dst, op.imm <= 0xffffffffU);
}

void Emitter::emit_exit() {
  emit_leave_frame();
  a_.ret();
}

}  // namespace sluice::jit::x86_64
