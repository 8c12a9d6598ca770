#pragma once
// Definitions of the templates in verifier/scalar.h, for scalar.cc (the real width) and for exhaustive tests of narrow
// widths. Everybody else includes scalar.h. Any thread.
#include <algorithm>
#include <cstdint>
#include <optional>

#include "verifier/interval_ops.h"
#include "verifier/scalar.h"
#include "vm/alu.h"

namespace sluice::verifier {

template <unsigned Bits>
ScalarT<Bits> ScalarT<Bits>::constant(std::uint64_t value) {
  ScalarT r;
  const auto whole = Whole::constant(value);
  const auto half = Half::constant(value);
  r.bits_ = whole.bits;
  r.umin_ = r.umax_ = whole.umin;
  r.smin_ = r.smax_ = whole.smin;
  r.half_umin_ = r.half_umax_ = static_cast<std::uint32_t>(half.umin);
  r.half_smin_ = r.half_smax_ = static_cast<std::int32_t>(half.smin);
  return r;
}

template <unsigned Bits>
ScalarT<Bits> ScalarT<Bits>::range(std::uint64_t low, std::uint64_t high) {
  Whole whole;
  whole.meet_unsigned(low, high);
  return meet_of(whole, Half{}).value_or(unknown());
}

template <unsigned Bits>
ScalarT<Bits> ScalarT<Bits>::signed_range(std::int64_t low, std::int64_t high) {
  Whole whole;
  whole.meet_signed(low, high);
  return meet_of(whole, Half{}).value_or(unknown());
}

template <unsigned Bits>
ScalarT<Bits> ScalarT<Bits>::of_bits(const Tnum<std::uint64_t>& bits) {
  Whole whole;
  whole.bits = bits.truncate(Bits);
  return meet_of(whole, Half{}).value_or(unknown());
}

template <unsigned Bits>
std::optional<ScalarT<Bits>> ScalarT<Bits>::meet_of(const Whole& whole, const Half& half) {
  ScalarT r;
  const Tnum<std::uint64_t> low{half.bits.value, half.bits.mask | (Whole::kMask & ~Half::kMask)};
  const auto bits = whole.bits.intersect(low);
  if (!bits) return std::nullopt;
  r.bits_ = *bits;
  r.umin_ = whole.umin;
  r.umax_ = whole.umax;
  r.smin_ = whole.smin;
  r.smax_ = whole.smax;
  r.half_umin_ = static_cast<std::uint32_t>(half.umin);
  r.half_umax_ = static_cast<std::uint32_t>(half.umax);
  r.half_smin_ = static_cast<std::int32_t>(half.smin);
  r.half_smax_ = static_cast<std::int32_t>(half.smax);
  if (!r.settle()) return std::nullopt;
  return r;
}

template <unsigned Bits>
std::optional<ScalarT<Bits>> ScalarT<Bits>::intersect(const ScalarT& other) const {
  Whole whole = this->whole();
  Half half = this->half();
  const Whole& w = other.whole();
  const Half& h = other.half();
  whole.meet_unsigned(w.umin, w.umax);
  whole.meet_signed(w.smin, w.smax);
  half.meet_unsigned(h.umin, h.umax);
  half.meet_signed(h.smin, h.smax);
  if (!whole.meet_bits(w.bits) || !half.meet_bits(h.bits)) return std::nullopt;
  return meet_of(whole, half);
}

template <unsigned Bits>
bool ScalarT<Bits>::learn_half_from_whole() {
  Half half = this->half();
  if (umax_ - umin_ < Half::kMask) half.meet_arc(umin_ & Half::kMask, umax_ - umin_);
  const std::uint64_t span = whole().signed_span();
  if (span < Half::kMask) half.meet_arc(static_cast<std::uint64_t>(smin_) & Half::kMask, span);
  if (!half.tighten()) return false;
  bits_.value = (bits_.value & ~Half::kMask) | half.bits.value;
  bits_.mask = (bits_.mask & ~Half::kMask) | half.bits.mask;
  half_umin_ = static_cast<std::uint32_t>(half.umin);
  half_umax_ = static_cast<std::uint32_t>(half.umax);
  half_smin_ = static_cast<std::int32_t>(half.smin);
  half_smax_ = static_cast<std::int32_t>(half.smax);
  return true;
}

namespace scalar_detail {

__extension__ using Wide = __int128;

// The least number from `x` on whose low half lies in the arc start..start+length modulo 2^HalfBits, and the greatest
// up to `x`. Plain integers: the caller judges whether the result is still inside its range.
template <unsigned HalfBits>
constexpr Wide first_with_half_in(Wide x, std::uint64_t start, std::uint64_t length) {
  constexpr std::uint64_t kMask = Interval<HalfBits>::kMask;
  const std::uint64_t past = (static_cast<std::uint64_t>(x) - start) & kMask;
  return past <= length ? x : x + (kMask - past) + 1;
}

template <unsigned HalfBits>
constexpr Wide last_with_half_in(Wide x, std::uint64_t start, std::uint64_t length) {
  constexpr std::uint64_t kMask = Interval<HalfBits>::kMask;
  const std::uint64_t past = (static_cast<std::uint64_t>(x) - start) & kMask;
  return past <= length ? x : x - (past - length);
}

}  // namespace scalar_detail

template <unsigned Bits>
bool ScalarT<Bits>::learn_whole_from_half() {
  using scalar_detail::first_with_half_in;
  using scalar_detail::last_with_half_in;
  using scalar_detail::Wide;
  const auto learn = [this](std::uint64_t start, std::uint64_t length) {
    if (length >= Half::kMask) return true;
    const Wide ulow = first_with_half_in<kHalf>(umin_, start, length);
    const Wide uhigh = last_with_half_in<kHalf>(umax_, start, length);
    const Wide slow = first_with_half_in<kHalf>(smin_, start, length);
    const Wide shigh = last_with_half_in<kHalf>(smax_, start, length);
    if (ulow > uhigh || slow > shigh) return false;
    umin_ = static_cast<std::uint64_t>(ulow);
    umax_ = static_cast<std::uint64_t>(uhigh);
    smin_ = static_cast<std::int64_t>(slow);
    smax_ = static_cast<std::int64_t>(shigh);
    return true;
  };
  return learn(half_umin_, half_umax_ - half_umin_) &&
         learn(static_cast<std::uint64_t>(half_smin_) & Half::kMask, half().signed_span());
}

template <unsigned Bits>
bool ScalarT<Bits>::settle() {
  if (umin_ == umax_) {  // one number: it is a member, or there is none
    if (!contains(umin_)) return false;
    *this = constant(umin_);
    return true;
  }
  if (*this == unknown()) return true;
  // Views only ever shrink; a few rounds reach the fixpoint, and stopping early would be sound.
  for (unsigned round = 0; round < 8; ++round) {
    const ScalarT before = *this;
    Whole whole = this->whole();
    if (!whole.tighten()) return false;
    bits_ = whole.bits;
    umin_ = whole.umin;
    umax_ = whole.umax;
    smin_ = whole.smin;
    smax_ = whole.smax;
    if (!learn_half_from_whole() || !learn_whole_from_half()) return false;
    if (*this == before) return true;
  }
  return true;
}

namespace scalar_detail {

// The low half of a wide result, where it depends on the operands' low halves alone; else everything.
template <unsigned Bits>
typename ScalarT<Bits>::Half half_of_wide(vm::AluOp op, const ScalarT<Bits>& dst, const ScalarT<Bits>& src) {
  using vm::AluOp;
  switch (op) {
    case AluOp::kAdd:
    case AluOp::kSub:
    case AluOp::kMul:
    case AluOp::kOr:
    case AluOp::kAnd:
    case AluOp::kXor:
    case AluOp::kNeg: return interval_ops::apply(op, dst.half(), src.half());
    case AluOp::kLsh:
      if (src.is_constant() && src.constant_value() < Bits / 2) return interval_ops::apply(op, dst.half(), src.half());
      return {};
    case AluOp::kMovsx8: return interval_ops::sign_extend(src.half(), 8);
    case AluOp::kMovsx16: return interval_ops::sign_extend(src.half(), 16);
    case AluOp::kMovsx32: return interval_ops::sign_extend(src.half(), 32);
    case AluOp::kDiv:
    case AluOp::kSdiv:
    case AluOp::kMod:
    case AluOp::kSmod:
    case AluOp::kRsh:
    case AluOp::kArsh:
    case AluOp::kMov: return {};
  }
  return {};
}

// A shift to the left by half the width or more lets only the low half in, so that it may be taken as signed or as
// unsigned: compilers extend an int's sign by two shifts.
template <unsigned Bits>
void meet_shifted_half(vm::AluOp op, const ScalarT<Bits>& dst, const ScalarT<Bits>& src,
                       typename ScalarT<Bits>::Whole& whole) {
  using S = ScalarT<Bits>;
  if (op != vm::AluOp::kLsh || !src.is_constant()) return;
  const auto k = static_cast<unsigned>(src.constant_value() % Bits);
  if (k < S::kHalf) return;
  typename S::Whole as_signed;
  as_signed.meet_signed(dst.half().smin, dst.half().smax);
  typename S::Whole as_unsigned;
  as_unsigned.meet_unsigned(dst.half().umin, dst.half().umax);
  for (const auto& half : {as_signed, as_unsigned}) {
    const auto shifted = interval_ops::shift_left(half, k);
    whole.meet_signed(shifted.smin, shifted.smax);
    whole.meet_unsigned(shifted.umin, shifted.umax);
  }
}

// A remainder that is the dividend itself: its low half is known as well as before.
template <unsigned Bits>
bool leaves_dividend(vm::AluOp op, const ScalarT<Bits>& dst, const ScalarT<Bits>& src) {
  if (op == vm::AluOp::kMod) return src.umax() == 0 || src.umin() > dst.umax();
  if (op == vm::AluOp::kSmod) return src.umax() == 0 || interval_ops::smaller_magnitude(dst.whole(), src.whole());
  return false;
}

template <unsigned Bits>
ScalarT<Bits> zero_extend_half(const typename ScalarT<Bits>::Half& half) {
  typename ScalarT<Bits>::Whole whole;
  whole.meet_unsigned(0, ScalarT<Bits>::Half::kMask);
  return ScalarT<Bits>::meet_of(whole, half).value_or(ScalarT<Bits>::range(0, ScalarT<Bits>::Half::kMask));
}

}  // namespace scalar_detail

template <unsigned Bits>
ScalarT<Bits> alu(vm::AluOp op, bool wide, const ScalarT<Bits>& dst, const ScalarT<Bits>& src) {
  using S = ScalarT<Bits>;
  if constexpr (Bits == 64) {  // often both are constants, and vm/alu.h knows this width
    if (dst.is_constant() && src.is_constant()) {
      const std::uint64_t a = dst.constant_value();
      const std::uint64_t b = src.constant_value();
      if (wide) return S::constant(vm::alu<std::uint64_t>(op, a, b));
      return S::constant(vm::alu<std::uint32_t>(op, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b)));
    }
  }
  if (!wide) return scalar_detail::zero_extend_half<Bits>(interval_ops::apply(op, dst.half(), src.half()));
  if (op == vm::AluOp::kMov) return src;
  if (op == vm::AluOp::kMovsx32 && Bits == 64) return sign_extend_bits(src, 32);
  if (scalar_detail::leaves_dividend(op, dst, src)) return dst;
  auto whole = interval_ops::apply(op, dst.whole(), src.whole());
  scalar_detail::meet_shifted_half(op, dst, src, whole);
  return S::meet_of(whole, scalar_detail::half_of_wide(op, dst, src)).value_or(S::unknown());
}

template <unsigned Bits>
ScalarT<Bits> zero_extend_bits(const ScalarT<Bits>& a, unsigned bits) {
  using S = ScalarT<Bits>;
  if (bits >= Bits) return a;
  if (bits == S::kHalf) return scalar_detail::zero_extend_half<Bits>(a.half());
  const auto half = bits < S::kHalf ? interval_ops::zero_extend(a.half(), bits) : a.half();
  return S::meet_of(interval_ops::zero_extend(a.whole(), bits), half).value_or(S::unknown());
}

template <unsigned Bits>
ScalarT<Bits> sign_extend_bits(const ScalarT<Bits>& a, unsigned bits) {
  using S = ScalarT<Bits>;
  if (bits >= Bits) return a;
  auto whole = interval_ops::sign_extend(a.whole(), bits);
  const auto half = bits < S::kHalf ? interval_ops::sign_extend(a.half(), bits) : a.half();
  if (bits <= S::kHalf) whole.meet_signed(half.smin, half.smax);
  return S::meet_of(whole, half).value_or(S::unknown());
}

namespace scalar_detail {

template <unsigned N>
bool disjoint(const Interval<N>& a, const Interval<N>& b) {
  return a.umax < b.umin || b.umax < a.umin || a.smax < b.smin || b.smax < a.smin || a.bits.is_disjoint_from(b.bits);
}

template <typename T>
Truth less(T alow, T ahigh, T blow, T bhigh) {
  if (ahigh < blow) return Truth::kAlways;
  return alow >= bhigh ? Truth::kNever : Truth::kMaybe;
}

inline Truth opposite(Truth truth) {
  if (truth == Truth::kMaybe) return truth;
  return truth == Truth::kAlways ? Truth::kNever : Truth::kAlways;
}

template <unsigned N>
Truth compare(vm::Cond cond, const Interval<N>& a, const Interval<N>& b) {
  using vm::Cond;
  const auto unsigned_less = [](const Interval<N>& x, const Interval<N>& y) {
    return less(x.umin, x.umax, y.umin, y.umax);
  };
  const auto signed_less = [](const Interval<N>& x, const Interval<N>& y) {
    return less(x.smin, x.smax, y.smin, y.smax);
  };
  switch (cond) {
    case Cond::kEq:
      if (a.is_constant() && b.is_constant()) return a.umin == b.umin ? Truth::kAlways : Truth::kNever;
      return disjoint(a, b) ? Truth::kNever : Truth::kMaybe;
    case Cond::kNe: return opposite(compare(Cond::kEq, a, b));
    case Cond::kSet:
      if ((a.bits.value & b.bits.value) != 0) return Truth::kAlways;
      return (a.bits.max() & b.bits.max()) == 0 ? Truth::kNever : Truth::kMaybe;
    case Cond::kLt: return unsigned_less(a, b);
    case Cond::kGe: return opposite(unsigned_less(a, b));
    case Cond::kGt: return unsigned_less(b, a);
    case Cond::kLe: return opposite(unsigned_less(b, a));
    case Cond::kSlt: return signed_less(a, b);
    case Cond::kSge: return opposite(signed_less(a, b));
    case Cond::kSgt: return signed_less(b, a);
    case Cond::kSle: return opposite(signed_less(b, a));
  }
  return Truth::kMaybe;
}

// Keeps only what differs from the constant `c` at the ends of the ranges. False when nothing is left.
template <unsigned N>
bool remove_constant(Interval<N>& a, std::uint64_t c) {
  const std::int64_t s = Interval<N>::to_signed(c);
  if (a.is_constant()) return a.umin != c;
  if (a.umin == c) ++a.umin;
  if (a.umax == c) --a.umax;
  if (a.smin == s && a.smin < a.smax) ++a.smin;
  if (a.smax == s && a.smin < a.smax) --a.smax;
  return true;
}

template <unsigned N>
bool make_equal(Interval<N>& a, Interval<N>& b) {
  a.meet_unsigned(b.umin, b.umax);
  a.meet_signed(b.smin, b.smax);
  if (!a.meet_bits(b.bits)) return false;
  b = a;
  return true;
}

template <unsigned N>
bool make_unequal(Interval<N>& a, Interval<N>& b) {
  if (b.is_constant()) return remove_constant(a, b.umin);
  return !a.is_constant() || remove_constant(b, a.umin);
}

// a & b has a bit.
template <unsigned N>
bool make_common_bit(Interval<N>& a, Interval<N>& b) {
  const std::uint64_t possible = a.bits.max() & b.bits.max();
  if (possible == 0) return false;
  // Each holds one of the possible bits, so at least the least of them; a single one is certain.
  const std::uint64_t least = possible & (~possible + 1);
  for (Interval<N>* x : {&a, &b}) {
    x->meet_unsigned(least, Interval<N>::kMask);
    if (possible == least && !x->meet_bits({least, Interval<N>::kMask & ~least})) return false;
  }
  return true;
}

template <unsigned N>
bool make_no_common_bit(Interval<N>& a, Interval<N>& b) {
  const std::uint64_t in_a = a.bits.value;
  const std::uint64_t in_b = b.bits.value;
  return a.meet_bits({0, Interval<N>::kMask & ~in_b}) && b.meet_bits({0, Interval<N>::kMask & ~in_a});
}

// a < b, or a <= b; false when impossible.
template <unsigned N>
bool make_less(Interval<N>& a, Interval<N>& b, bool or_equal) {
  const std::uint64_t gap = or_equal ? 0 : 1;
  if (b.umax < gap || a.umin > Interval<N>::kMask - gap) return false;
  a.meet_unsigned(0, b.umax - gap);
  b.meet_unsigned(a.umin + gap, Interval<N>::kMask);
  return true;
}

template <unsigned N>
bool make_signed_less(Interval<N>& a, Interval<N>& b, bool or_equal) {
  const std::int64_t gap = or_equal ? 0 : 1;
  if (b.smax < Interval<N>::kMin + gap || a.smin > Interval<N>::kMax - gap) return false;
  a.meet_signed(Interval<N>::kMin, b.smax - gap);
  b.meet_signed(a.smin + gap, Interval<N>::kMax);
  return true;
}

template <unsigned N>
bool make_true(vm::Cond cond, bool taken, Interval<N>& a, Interval<N>& b) {
  using vm::Cond;
  switch (cond) {
    case Cond::kEq: return taken ? make_equal(a, b) : make_unequal(a, b);
    case Cond::kNe: return taken ? make_unequal(a, b) : make_equal(a, b);
    case Cond::kSet: return taken ? make_common_bit(a, b) : make_no_common_bit(a, b);
    case Cond::kLt: return taken ? make_less(a, b, false) : make_less(b, a, true);
    case Cond::kLe: return taken ? make_less(a, b, true) : make_less(b, a, false);
    case Cond::kGt: return taken ? make_less(b, a, false) : make_less(a, b, true);
    case Cond::kGe: return taken ? make_less(b, a, true) : make_less(a, b, false);
    case Cond::kSlt: return taken ? make_signed_less(a, b, false) : make_signed_less(b, a, true);
    case Cond::kSle: return taken ? make_signed_less(a, b, true) : make_signed_less(b, a, false);
    case Cond::kSgt: return taken ? make_signed_less(b, a, false) : make_signed_less(a, b, true);
    case Cond::kSge: return taken ? make_signed_less(b, a, true) : make_signed_less(a, b, false);
  }
  return true;
}

}  // namespace scalar_detail

template <unsigned Bits>
Truth branch(vm::Cond cond, bool wide, const ScalarT<Bits>& a, const ScalarT<Bits>& b) {
  const Truth narrow = wide && cond != vm::Cond::kEq && cond != vm::Cond::kNe && cond != vm::Cond::kSet
                           ? Truth::kMaybe
                           : scalar_detail::compare(cond, a.half(), b.half());
  if (!wide) return narrow;
  const Truth truth = scalar_detail::compare(cond, a.whole(), b.whole());
  if (truth != Truth::kMaybe) return truth;
  // Low halves that differ make the wholes differ; equal ones prove nothing.
  if (cond == vm::Cond::kEq && narrow == Truth::kNever) return narrow;
  if ((cond == vm::Cond::kNe || cond == vm::Cond::kSet) && narrow == Truth::kAlways) return narrow;
  return Truth::kMaybe;
}

template <unsigned Bits>
bool refine(vm::Cond cond, bool wide, bool taken, ScalarT<Bits>& a, ScalarT<Bits>& b) {
  using S = ScalarT<Bits>;
  const Truth known = branch(cond, wide, a, b);
  if (known != Truth::kMaybe) return (known == Truth::kAlways) == taken;
  auto awhole = a.whole();
  auto bwhole = b.whole();
  auto ahalf = a.half();
  auto bhalf = b.half();
  if (wide) {
    if (!scalar_detail::make_true(cond, taken, awhole, bwhole)) return false;
    const bool equal = cond == vm::Cond::kEq ? taken : cond == vm::Cond::kNe && !taken;
    if (equal && !scalar_detail::make_equal(ahalf, bhalf)) return false;
  } else if (!scalar_detail::make_true(cond, taken, ahalf, bhalf)) {
    return false;
  }
  const auto new_a = S::meet_of(awhole, ahalf);
  const auto new_b = S::meet_of(bwhole, bhalf);
  if (!new_a || !new_b) return false;
  a = *new_a;
  b = *new_b;
  return true;
}

template <unsigned Bits>
ScalarT<Bits> join(const ScalarT<Bits>& a, const ScalarT<Bits>& b) {
  using S = ScalarT<Bits>;
  return S::meet_of(a.whole().unite(b.whole()), a.half().unite(b.half())).value_or(S::unknown());
}

}  // namespace sluice::verifier
