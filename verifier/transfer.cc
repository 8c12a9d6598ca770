#include "verifier/transfer.h"

#include <algorithm>

#include "verifier/call.h"

namespace sluice::verifier {
namespace {

using vm::AluOp;
using vm::Insn;
using vm::InsnRow;
using vm::Kind;

// Gives a number an id that its copies share; constants need none.
void link(Context& context, Reg& reg) {
  if (reg.is_scalar() && reg.id == 0 && !reg.value.is_constant()) reg.id = context.new_id();
}

Reg move_pointer(Context& context, const Reg& pointer, const Scalar& by, AluOp op, std::uint32_t slot) {
  Reg result = pointer;
  if (by.is_constant()) {
    const std::int64_t distance = by.smin();
    // A demand switched off by a test could let offsets run away: they stop here.
    constexpr std::int64_t kStop = kMaxOffset * 2;
    if (distance > -kStop && distance < kStop && result.offset > -kStop && result.offset < kStop) {
      const std::int64_t forward = op == AluOp::kAdd ? distance : -distance;
      result.offset += forward;
      if (forward < 0) result.past_end = 0;
    }
    return result;
  }
  result.value = alu(op, true, pointer.value, by);
  result.made_at = slot;
  if (result.is_packet()) {
    result.id = context.new_id();
    result.range = 0;
    result.past_end = 0;
  }
  return result;
}

void transfer_copy(Context& context, State& state, const Insn& insn) {
  Reg& src = state.reg(insn.src);
  link(context, src);
  state.reg(insn.dst) = src;
}

// `after` = `before` plus or minus a constant: still tied to the copies of `before`.
void keep_link(AluOp op, bool wide, const Scalar& by, const Reg& before, Reg& after) {
  if ((op != AluOp::kAdd && op != AluOp::kSub) || before.id == 0 || after.value.is_constant()) return;
  if (!by.is_constant() || (wide && before.narrow)) return;  // a sum that was cut takes no more
  const std::int64_t distance = wide ? by.smin() : std::int64_t{static_cast<std::int32_t>(by.constant_value())};
  if (distance < INT32_MIN || distance > INT32_MAX) return;
  const std::int64_t delta = std::int64_t{before.delta} + (op == AluOp::kAdd ? distance : -distance);
  if (delta < INT32_MIN || delta > INT32_MAX) return;
  after.id = before.id;
  after.delta = static_cast<std::int32_t>(delta);
  after.narrow = !wide;
}

// The number `number` is what `op` makes of it: nothing to cut, no sign to extend.
bool is_plain_copy(AluOp op, bool wide, const Scalar& number) {
  if (op == AluOp::kMov) return wide || number.umax() <= UINT32_MAX;
  if (op == AluOp::kMovsx8) return number.umax() <= INT8_MAX;
  if (op == AluOp::kMovsx16) return number.umax() <= INT16_MAX;
  return op == AluOp::kMovsx32 && number.umax() <= INT32_MAX;
}

// Results that Linux knows nothing of (docs/differences.md).
bool unknown_to_linux(AluOp op, const Scalar& src) {
  switch (op) {
    case AluOp::kDiv:
    case AluOp::kSdiv:
    case AluOp::kMod:
    case AluOp::kSmod:
    case AluOp::kNeg: return true;
    case AluOp::kLsh:
    case AluOp::kRsh:
    case AluOp::kArsh:
    case AluOp::kMovsx8:
    case AluOp::kMovsx16:
    case AluOp::kMovsx32: return !src.is_constant();
    case AluOp::kAdd:
    case AluOp::kSub:
    case AluOp::kMul:
    case AluOp::kOr:
    case AluOp::kAnd:
    case AluOp::kXor:
    case AluOp::kMov: return false;
  }
  return false;
}

// What Linux keeps of `exact`, the result: it loses signs that are shifted left or combined bit by bit.
Scalar less_signed(AluOp op, const Scalar& a, const Scalar& b, const Scalar& exact) {
  const bool bitwise = op == AluOp::kAnd || op == AluOp::kOr || op == AluOp::kXor;
  if (!bitwise && !(op == AluOp::kLsh && exact.smin() < 0)) return exact;
  const Scalar bits = Scalar::of_bits(exact.bits());
  if (op != AluOp::kAnd) return bits;
  return bits.intersect(Scalar::range(0, std::min(a.umax(), b.umax()))).value_or(bits);
}

void transfer_numbers(Context& context, State& state, const InsnRow& row, const Insn& insn) {
  const bool by_reg = row.source == vm::Source::kReg;
  if (by_reg && is_plain_copy(row.alu(), row.wide, state.reg(insn.src).value)) {
    transfer_copy(context, state, insn);  // still the same number
    return;
  }
  const Scalar src =
      by_reg ? state.reg(insn.src).value : Scalar::constant(static_cast<std::uint64_t>(std::int64_t{insn.imm}));
  const Reg before = state.reg(insn.dst);
  Origins origins = is_move(row.alu()) ? Origins::none() : before.origins;
  if (by_reg) origins |= state.reg(insn.src).origins;
  Reg& dst = state.reg(insn.dst);
  if (context.options.as_linux && unknown_to_linux(row.alu(), src)) {
    dst = Reg::unknown();  // of 64 bits, even after 32-bit operations
    return;
  }
  dst = Reg::derived(alu(row.alu(), row.wide, before.value, src), origins);
  if (context.options.as_linux) dst.value = less_signed(row.alu(), before.value, src, dst.value);
  const bool cut = !row.wide && before.value.umax() > UINT32_MAX;
  if (!cut || !context.options.as_linux) keep_link(row.alu(), row.wide, src, before, dst);
  // Other operands would leave no more to know. A link is knowledge, too.
  if (dst.id == 0 && dst.value == Scalar::unknown()) dst.origins = Origins::none();
}

void transfer_alu(Context& context, State& state) {
  const InsnRow& row = context.row(state.slot);
  const Insn& insn = context.insn(state.slot);
  Reg& dst = state.reg(insn.dst);
  switch (alu_shape(context, state, state.slot)) {
    case AluShape::kNumbers: transfer_numbers(context, state, row, insn); break;
    case AluShape::kCopy: transfer_copy(context, state, insn); break;
    case AluShape::kForgotten: {
      // Linux takes a 32-bit difference with an address for a number of 64 bits.
      const bool half = !row.wide && !(context.options.as_linux && row.alu() == AluOp::kSub);
      dst = Reg::fresh(unknown_bytes(half ? 4 : 8));
      break;
    }
    case AluShape::kPointer: {
      const Reg operand = alu_operand(context, state, state.slot);
      context.demand(operand);
      context.demand(dst);
      if (dst.is_pointer() && operand.is_scalar()) {
        dst = move_pointer(context, dst, operand.value, row.alu(), state.slot);
      } else if (dst.is_scalar() && operand.is_pointer()) {
        dst = move_pointer(context, operand, dst.value, row.alu(), state.slot);
      } else {
        dst = Reg::unknown();
      }
      break;
    }
  }
}

void transfer_endian(const Context& context, State& state) {
  const InsnRow& row = context.row(state.slot);
  Reg& dst = state.reg(context.insn(state.slot).dst);
  // Of a pointer only unknown bits are left.
  const Scalar in = dst.is_scalar() ? dst.value : Scalar::unknown();
  dst = context.options.as_linux ? Reg::unknown() : Reg::derived(endian(row.endian(), in, row.size), dst.origins);
}

void transfer_imm64(const Context& context, State& state) {
  const Insn* pair = &context.program.insns[state.slot];
  Reg& dst = state.reg(pair->dst);
  switch (static_cast<vm::Imm64>(pair->src)) {
    case vm::Imm64::kMap:
      dst = Reg::pointer(Type::kMap);
      dst.map = pair->imm;
      break;
    case vm::Imm64::kMapValue:
      dst = Reg::pointer(Type::kMapValue);
      dst.map = pair->imm;
      dst.offset = static_cast<std::uint32_t>(pair[1].imm);
      break;
    case vm::Imm64::kNumber: dst = Reg::constant(vm::imm64(pair)); break;
    case vm::Imm64::kCode:
      dst = Reg::pointer(Type::kFunction);
      dst.map = static_cast<std::int32_t>(context.cfg.callee(context.program, state.slot));
      break;
    case vm::Imm64::kVariable:
    case vm::Imm64::kMapIndex:
    case vm::Imm64::kMapIndexValue: dst = Reg::unknown(); break;
  }
}

}  // namespace

Reg alu_operand(const Context& context, const State& state, std::uint32_t slot) {
  const Insn& insn = context.insn(slot);
  if (context.row(slot).source == vm::Source::kReg) return state.reg(insn.src);
  return Reg::constant(static_cast<std::uint64_t>(std::int64_t{insn.imm}));
}

AluShape alu_shape(const Context& context, const State& state, std::uint32_t slot) {
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  const bool src_pointer = row.source == vm::Source::kReg && !state.reg(insn.src).is_scalar();
  if (is_move(row.alu())) {
    if (row.alu() == AluOp::kMov && row.wide && row.source == vm::Source::kReg) return AluShape::kCopy;
    return src_pointer ? AluShape::kForgotten : AluShape::kNumbers;
  }
  const bool dst_pointer = !state.reg(insn.dst).is_scalar();
  if (!src_pointer && !dst_pointer) return AluShape::kNumbers;
  // Root may turn pointers into numbers this way, in the kernel too.
  if (row.alu() == AluOp::kNeg) return AluShape::kForgotten;
  if (row.alu() == AluOp::kSub && (!row.wide || (src_pointer && dst_pointer))) return AluShape::kForgotten;
  return AluShape::kPointer;
}

void transfer(Context& context, State& state) {
  const InsnRow& row = context.row(state.slot);
  switch (row.kind) {
    case Kind::kAlu: transfer_alu(context, state); break;
    case Kind::kEndian: transfer_endian(context, state); break;
    case Kind::kLoad:
    case Kind::kLoadSigned: transfer_load(context, state); break;
    case Kind::kStore:
    case Kind::kStoreImm: transfer_store(context, state); break;
    case Kind::kAtomic: transfer_atomic(context, state); break;
    case Kind::kLoadImm64: transfer_imm64(context, state); break;
    case Kind::kCallHelper: call_helper(context, state); break;
    case Kind::kGoto:
      state.slot = static_cast<std::uint32_t>(static_cast<std::int64_t>(state.slot) + 1 +
                                              vm::jump_distance(row, context.insn(state.slot)));
      return;
    case Kind::kBranch:
    case Kind::kCallLocal:
    case Kind::kExit: return;  // explore's
    case Kind::kCallKernel:
    case Kind::kLegacyLoad: state.reg(0) = Reg::unknown(); break;
  }
  state.slot += vm::slots(row);
}

}  // namespace sluice::verifier
