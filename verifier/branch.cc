// Conditional jumps: what each way teaches about numbers, null pointers and packet bounds.
#include <algorithm>
#include <utility>

#include "verifier/access.h"
#include "verifier/transfer.h"
#include "vm/maps/map.h"

namespace sluice::verifier {
namespace {

using vm::Cond;
using vm::Insn;
using vm::InsnRow;

// All copies of a number, and copies plus a constant, learn what one of them learnt. Let n be the number that the id
// stands for: a register is n + delta, or the low half of that. So the low halves of all of them differ by constants,
// and where neither was cut the whole does.
void spread(State& state, const Reg& learnt) {
  if (learnt.id == 0) return;
  state.for_each([&](Reg& reg) {
    if (!reg.is_scalar() || reg.id != learnt.id) return;
    reg.origins |= learnt.origins;
    if (reg.is_linked_like(learnt)) {
      reg.value = learnt.value;
      return;
    }
    const auto distance = static_cast<std::uint64_t>(std::int64_t{reg.delta} - learnt.delta);
    const bool whole = !reg.narrow && !learnt.narrow;
    if (!whole && reg.value.umax() > UINT32_MAX) return;  // of its upper half nothing was learnt
    const Scalar implied = alu(vm::AluOp::kAdd, whole, learnt.value, Scalar::constant(distance));
    if (const auto both = reg.value.intersect(implied)) reg.value = *both;
  });
}

// What `number` and its copies know after a compare in which it turned out to be `learnt`, which both operands told.
void learn_number(State& state, unsigned number, const Scalar& learnt, const Origins& told) {
  Reg& reg = state.reg(number);
  if (reg.value == learnt) return;
  reg.value = learnt;
  reg.origins |= told;
  const Reg copy = reg;
  spread(state, copy);
}

bool learn_numbers(const InsnRow& row, const Insn& insn, const Reg& b, bool taken, State& state) {
  const Reg& a = state.reg(insn.dst);
  Scalar learnt_a = a.value;
  Scalar learnt_b = b.value;
  if (!refine(row.cond(), row.wide, taken, learnt_a, learnt_b)) return false;
  const Origins told = a.origins | b.origins;
  learn_number(state, insn.dst, learnt_a, told);
  if (row.source == vm::Source::kReg) learn_number(state, insn.src, learnt_b, told);
  return true;
}

// The way on which the pointers of look-up or reservation `id` are null, or not. What a map of maps gave then is a map.
void learn_null(const Context& context, State& state, std::uint32_t id, bool null) {
  if (null) std::erase_if(state.references, [id](const Reference& one) { return one.id == id; });
  state.for_each([&](Reg& reg) {
    if (!may_be_null(reg.type) || reg.id != id) return;
    if (null) {
      reg = Reg::constant(0);
    } else if (reg.type != Type::kMapValueOrNull) {
      reg.type = without_null(reg.type);
    } else if (const std::int32_t inner = context.inner_map(reg.map); inner >= 0) {
      reg = Reg::pointer(Type::kMap);
      reg.map = inner;
    } else {
      reg.type = Type::kMapValue;
      if (context.map(reg.map)->spec().special.lock < 0) reg.id = 0;
    }
  });
}

// `proven` bytes from the variable part of `pointer` on are in front of its end.
void learn_range(State& state, const Reg& pointer, std::int64_t proven, std::uint32_t slot) {
  if (proven <= 0 || proven > kMaxPacketOffset) return;
  if (pointer.value.smin() < 0 || pointer.value.umax() > static_cast<std::uint64_t>(kMaxPacketOffset)) return;
  if (static_cast<std::int64_t>(pointer.value.umax()) + proven > kMaxPacketOffset) return;
  state.for_each([&](Reg& reg) {
    if (reg.type != pointer.type || reg.id != pointer.id || reg.range >= proven) return;
    reg.range = static_cast<std::int32_t>(proven);
    reg.checked_at = slot;
  });
}

// `end` may stand for the end of what `pointer` points into: data_end for the packet, data for metadata.
bool is_end_of(const Reg& end, const Reg& pointer) {
  if (pointer.type == Type::kPacket) return end.type == Type::kPacketEnd;
  return pointer.type == Type::kPacketMeta && end.type == Type::kPacket && end.id == 0 && end.offset == 0 &&
         end.value.is_constant() && end.value.constant_value() == 0;
}

// Turns `a COND b` around into `b COND a`.
Cond mirror(Cond cond) {
  switch (cond) {
    case Cond::kGt: return Cond::kLt;
    case Cond::kGe: return Cond::kLe;
    case Cond::kLt: return Cond::kGt;
    case Cond::kLe: return Cond::kGe;
    case Cond::kEq:
    case Cond::kSet:
    case Cond::kNe:
    case Cond::kSgt:
    case Cond::kSge:
    case Cond::kSlt:
    case Cond::kSle: return cond;
  }
  return cond;
}

// `pointer COND end` was decided: which way proves bytes, and is the pointer itself inside or at the end?
void learn_packet(Cond cond, const Reg& pointer, std::uint32_t slot, State& fallen, State& taken) {
  switch (cond) {
    case Cond::kGt: learn_range(fallen, pointer, pointer.offset, slot); break;
    case Cond::kGe: learn_range(fallen, pointer, pointer.offset + 1, slot); break;
    case Cond::kLt: learn_range(taken, pointer, pointer.offset + 1, slot); break;
    case Cond::kLe: learn_range(taken, pointer, pointer.offset, slot); break;
    case Cond::kEq:
    case Cond::kSet:
    case Cond::kNe:
    case Cond::kSgt:
    case Cond::kSge:
    case Cond::kSlt:
    case Cond::kSle: break;
  }
}

// What `pointer COND data_end` is bound to be after an earlier compare.
Truth foretold(Cond cond, const Reg& pointer) {
  const bool beyond = pointer.past_end == 2;
  if (pointer.type != Type::kPacket || pointer.past_end == 0) return Truth::kMaybe;
  if (cond == Cond::kGe) return Truth::kAlways;
  if (cond == Cond::kLt) return Truth::kNever;
  if (cond == Cond::kGt && beyond) return Truth::kAlways;
  return cond == Cond::kLe && beyond ? Truth::kNever : Truth::kMaybe;
}

// On the way that proves nothing the pointer in `number` itself is past the end.
void learn_past(Cond cond, unsigned number, State& fallen, State& taken_way) {
  const bool taken = cond == Cond::kGt || cond == Cond::kGe;
  if (!taken && cond != Cond::kLt && cond != Cond::kLe) return;
  Reg& pointer = (taken ? taken_way : fallen).reg(number);
  if (pointer.type != Type::kPacket) return;
  const bool beyond = cond == Cond::kGt || cond == Cond::kLe;
  pointer.past_end = std::max<std::uint8_t>(pointer.past_end, beyond ? 2 : 1);
}

// Pointers that count as certainly not null. No stack pointer and context is null either, but the kernel walks both
// ways, and what it refuses on one of them is to be refused here too.
bool never_null(const Reg& reg) {
  if (reg.type == Type::kMap || is_socket(reg.type)) return true;
  if (reg.type != Type::kMapValue) return false;
  // Behind the value, and not so far that it could wrap to null: addresses of values have 47 bits.
  constexpr std::int64_t kNear = std::int64_t{1} << 40;
  return reach(reg, 0).min >= 0 && reg.value.smax() < kNear;
}

std::uint32_t target(const Context& context, const State& state) {
  return static_cast<std::uint32_t>(static_cast<std::int64_t>(state.slot) + 1 +
                                    vm::jump_distance(context.row(state.slot), context.insn(state.slot)));
}

// What is known of `v COND v`.
Truth with_itself(Cond cond) {
  switch (cond) {
    case Cond::kEq:
    case Cond::kGe:
    case Cond::kLe:
    case Cond::kSge:
    case Cond::kSle: return Truth::kAlways;
    case Cond::kNe:
    case Cond::kGt:
    case Cond::kLt:
    case Cond::kSgt:
    case Cond::kSlt: return Truth::kNever;
    case Cond::kSet: return Truth::kMaybe;
  }
  return Truth::kMaybe;
}

// One way is left.
unsigned only(State& state, std::uint32_t slot) {
  state.slot = slot;
  return 1;
}

unsigned number_ways(Context& context, State& state, const Reg& b, State& taken) {
  const std::uint32_t slot = state.slot;
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  const std::uint32_t to = target(context, state);
  const Reg& a = state.reg(insn.dst);
  // One number against itself: there is nothing to learn from either way.
  const bool same = row.source == vm::Source::kReg && (insn.dst == insn.src || (a.id != 0 && a.is_linked_like(b)));
  Truth truth = branch(row.cond(), row.wide, a.value, b.value);
  if (same && truth == Truth::kMaybe && !context.options.as_linux) truth = with_itself(row.cond());
  if (truth != Truth::kMaybe) {
    context.demand(a);
    context.demand(b);
    return only(state, truth == Truth::kAlways ? to : slot + 1);
  }
  const bool untaught = same || (context.options.as_linux && row.cond() == Cond::kSet);
  taken = state;
  const bool may_take = untaught || learn_numbers(row, insn, b, true, taken);
  if (!may_take) {
    context.demand(a);
    context.demand(b);
  }
  const Origins told = a.origins | b.origins;
  const bool may_fall = untaught || learn_numbers(row, insn, b, false, state);
  if (!may_fall) context.demanded |= told;
  if (may_fall && may_take) {
    taken.slot = to;
    state.slot = slot + 1;
    return 2;
  }
  if (may_fall) return only(state, slot + 1);
  if (!may_take) return 0;
  std::swap(state, taken);
  return only(state, to);
}

}  // namespace

unsigned branch_ways(Context& context, State& state, State& taken) {
  const std::uint32_t slot = state.slot;
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  const std::uint32_t to = target(context, state);
  const Reg b = row.source == vm::Source::kReg ? state.reg(insn.src) : alu_operand(context, state, slot);
  if (state.reg(insn.dst).is_scalar() && b.is_scalar()) return number_ways(context, state, b, taken);

  const Reg a = state.reg(insn.dst);
  const bool equality = row.wide && (row.cond() == Cond::kEq || row.cond() == Cond::kNe);
  const bool null_on_taken = row.cond() == Cond::kEq;
  const bool left = row.wide && is_end_of(b, a);
  const bool right = row.wide && !left && is_end_of(a, b);
  const Truth known = left ? foretold(row.cond(), a) : right ? foretold(mirror(row.cond()), b) : Truth::kMaybe;
  if (known != Truth::kMaybe) return only(state, known == Truth::kAlways ? to : slot + 1);
  const bool null_here = equality && (a.is_null() || b.is_null());
  if (null_here) {
    context.demand(a);
    context.demand(b);
  }
  if (null_here && ((never_null(a) && b.is_null()) || (never_null(b) && a.is_null()))) {
    return only(state, null_on_taken ? slot + 1 : to);
  }
  // Of pointers that may be null Linux learns from constants in the instruction only.
  const bool with_null = null_here && (row.source == vm::Source::kImm || !context.options.as_linux);
  taken = state;
  State& equal = null_on_taken ? taken : state;
  if (with_null && may_be_null(a.type) && b.is_null()) {
    learn_null(context, taken, a.id, null_on_taken);
    learn_null(context, state, a.id, !null_on_taken);
  } else if (with_null && may_be_null(b.type) && a.is_null()) {
    learn_null(context, taken, b.id, null_on_taken);
    learn_null(context, state, b.id, !null_on_taken);
  } else if (equality && may_be_null(a.type) && never_null(b)) {
    learn_null(context, equal, a.id, false);  // equal to what is not null
  } else if (equality && may_be_null(b.type) && never_null(a)) {
    learn_null(context, equal, b.id, false);
  } else if (left) {
    learn_packet(row.cond(), a, slot, state, taken);
    learn_past(row.cond(), insn.dst, state, taken);
  } else if (right) {
    learn_packet(mirror(row.cond()), b, slot, state, taken);
    learn_past(mirror(row.cond()), insn.src, state, taken);
  }
  taken.slot = to;
  state.slot = slot + 1;
  return 2;
}

}  // namespace sluice::verifier
