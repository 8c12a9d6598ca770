#include "jit/x86_64/emitter.h"

namespace sluice::jit::x86_64 {
namespace {

Flag flag_of(vm::Cond cond) {
  switch (cond) {
    case vm::Cond::kEq: return Flag::kEqual;
    case vm::Cond::kGt: return Flag::kAbove;
    case vm::Cond::kGe: return Flag::kAboveEqual;
    case vm::Cond::kSet:  // after `test`
    case vm::Cond::kNe: return Flag::kNotEqual;
    case vm::Cond::kSgt: return Flag::kGreater;
    case vm::Cond::kSge: return Flag::kGreaterEqual;
    case vm::Cond::kLt: return Flag::kBelow;
    case vm::Cond::kLe: return Flag::kBelowEqual;
    case vm::Cond::kSlt: return Flag::kLess;
    case vm::Cond::kSle: return Flag::kLessEqual;
  }
  return Flag::kEqual;
}

}  // namespace

// The code of the second run is never longer, so a jump that was short enough in the first run stays so.
bool Emitter::is_short(std::uint32_t slot) const {
  if (previous_ == nullptr) return false;
  const std::int64_t from = previous_->offsets[slot];
  const std::int64_t end = previous_->offsets[slot + 1];
  const std::int64_t to = previous_->targets[lowered_.ops[slot].target];
  return to >= from ? to - from <= 127 : end - to <= 128;
}

void Emitter::emit_goto(std::uint32_t slot) {
  const std::uint32_t target = lowered_.ops[slot].target;
  if (target != slot + 1) a_.jump_to(target, is_short(slot));
}

void Emitter::emit_branch(std::uint32_t slot) {
  const Op& op = lowered_.ops[slot];
  if (op.target == slot + 1) return;
  if (op.row->cond() == vm::Cond::kSet) {
    emit_test(*op.row, insn_at(slot));
  } else {
    emit_compare(*op.row, insn_at(slot));
  }
  a_.jump_to(flag_of(op.row->cond()), op.target, is_short(slot));
}

void Emitter::emit_compare(const vm::InsnRow& row, const vm::Insn& insn) {
  if (row.source == vm::Source::kReg) {
    a_.cmp(reg(insn.dst, row.wide), reg(insn.src, row.wide));
    return;
  }
  // A register whose upper half is zero compares with 0..2^31-1 as its lower half does, but for the sign.
  const bool is_signed = row.cond() >= vm::Cond::kSgt && row.cond() != vm::Cond::kLt && row.cond() != vm::Cond::kLe;
  const bool wide = row.wide && (is_signed || insn.imm < 0 || !upper_zero(insn.dst));
  const Xbyak::Reg dst = reg(insn.dst, wide);
  if (insn.imm == 0) {
    a_.test(dst, dst);
  } else {
    a_.cmp(dst, static_cast<std::uint32_t>(insn.imm));
  }
}

void Emitter::emit_test(const vm::InsnRow& row, const vm::Insn& insn) {
  if (row.source == vm::Source::kReg) {
    a_.test(reg(insn.dst, row.wide), reg(insn.src, row.wide));
    return;
  }
  // The upper half of a mask that is not negative is zero, so only the lower half of the register counts.
  const auto mask = static_cast<std::uint32_t>(insn.imm);
  if (mask <= 0xff) {
    a_.test(reg64(insn.dst).cvt8(), mask);
  } else {
    a_.test(reg(insn.dst, row.wide && insn.imm < 0), mask);
  }
}

}  // namespace sluice::jit::x86_64
