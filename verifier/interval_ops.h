#pragma once
// What each ALU operation does to an N-bit interval (RFC 9669 section 4.1, vm/alu.h). Sound and not yet tightened: the
// bits and ranges of a result may know different things; Interval::settle and ScalarT bring them in step. Operands are
// settled. Included by verifier/scalar_impl.h only. Pure functions: any thread.
#include <algorithm>
#include <bit>
#include <cstdint>

#include "verifier/interval.h"
#include "vm/isa.h"

namespace sluice::verifier::interval_ops {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;
using Bits64 = Tnum<std::uint64_t>;

template <unsigned N>
constexpr Interval<N> of_bits(const Bits64& bits) {
  Interval<N> result;
  result.bits = bits.truncate(N);
  return result;
}

// Keeps low..high taken modulo 2^N, when that is less than everything.
template <unsigned N>
constexpr void meet_exact(Interval<N>& r, Wide low, Wide high) {
  if (high - low >= static_cast<Wide>(Interval<N>::kMask)) return;
  r.meet_arc(static_cast<std::uint64_t>(low) & Interval<N>::kMask, static_cast<std::uint64_t>(high - low));
}

template <unsigned N>
constexpr Interval<N> add(const Interval<N>& a, const Interval<N>& b) {
  auto r = of_bits<N>(a.bits + b.bits);
  meet_exact(r, Wide{a.umin} + b.umin, Wide{a.umax} + b.umax);
  meet_exact(r, Wide{a.smin} + b.smin, Wide{a.smax} + b.smax);
  meet_exact(r, Wide{a.smin} + b.umin, Wide{a.smax} + b.umax);
  meet_exact(r, Wide{a.umin} + b.smin, Wide{a.umax} + b.smax);
  return r;
}

template <unsigned N>
constexpr Interval<N> sub(const Interval<N>& a, const Interval<N>& b) {
  auto r = of_bits<N>(a.bits - b.bits);
  meet_exact(r, Wide{a.umin} - b.umax, Wide{a.umax} - b.umin);
  meet_exact(r, Wide{a.smin} - b.smax, Wide{a.smax} - b.smin);
  meet_exact(r, Wide{a.smin} - b.umax, Wide{a.smax} - b.umin);
  meet_exact(r, Wide{a.umin} - b.smax, Wide{a.umax} - b.smin);
  return r;
}

// Keeps the hull of the four corner products. They fit 128 bits: at most 64 by 64.
template <unsigned N>
constexpr void meet_products(Interval<N>& r, Wide alow, Wide ahigh, Wide blow, Wide bhigh) {
  const Wide corners[] = {alow * blow, alow * bhigh, ahigh * blow, ahigh * bhigh};
  meet_exact(r, *std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4));
}

template <unsigned N>
constexpr Interval<N> mul(const Interval<N>& a, const Interval<N>& b) {
  auto r = of_bits<N>(a.bits * b.bits);
  // Unsigned products may pass 127 bits; only those whose hull is narrow matter and the difference is exact anyway.
  const UnsignedWide low = UnsignedWide{a.umin} * b.umin;
  const UnsignedWide high = UnsignedWide{a.umax} * b.umax;
  if (high - low < Interval<N>::kMask) {
    r.meet_arc(static_cast<std::uint64_t>(low) & Interval<N>::kMask, static_cast<std::uint64_t>(high - low));
  }
  meet_products(r, a.smin, a.smax, b.smin, b.smax);
  return r;
}

template <unsigned N>
constexpr Interval<N> neg(const Interval<N>& a) {
  return sub(Interval<N>::constant(0), a);
}

template <unsigned N>
constexpr Interval<N> bit_and(const Interval<N>& a, const Interval<N>& b) {
  auto r = of_bits<N>(a.bits & b.bits);
  r.meet_unsigned(0, std::min(a.umax, b.umax));
  r.meet_signed(Interval<N>::kMin, std::max(a.smax, b.smax));
  return r;
}

template <unsigned N>
constexpr Interval<N> bit_or(const Interval<N>& a, const Interval<N>& b) {
  auto r = of_bits<N>(a.bits | b.bits);
  r.meet_unsigned(std::max(a.umin, b.umin), Interval<N>::kMask);
  r.meet_signed(std::min(a.smin, b.smin), Interval<N>::kMax);
  return r;
}

template <unsigned N>
constexpr Interval<N> bit_xor(const Interval<N>& a, const Interval<N>& b) {
  return of_bits<N>(a.bits ^ b.bits);
}

template <unsigned N>
constexpr Interval<N> shift_left(const Interval<N>& a, unsigned k) {
  auto r = of_bits<N>(a.bits << k);
  const UnsignedWide span = UnsignedWide{a.umax - a.umin} << k;
  if (span < Interval<N>::kMask) r.meet_arc((a.umin << k) & Interval<N>::kMask, static_cast<std::uint64_t>(span));
  const UnsignedWide signed_span = UnsignedWide{a.signed_span()} << k;
  if (signed_span < Interval<N>::kMask) {
    r.meet_arc((static_cast<std::uint64_t>(a.smin) << k) & Interval<N>::kMask, static_cast<std::uint64_t>(signed_span));
  }
  return r;
}

template <unsigned N>
constexpr Interval<N> shift_right(const Interval<N>& a, unsigned k) {
  auto r = of_bits<N>(a.bits >> k);
  r.meet_unsigned(a.umin >> k, a.umax >> k);
  return r;
}

template <unsigned N>
constexpr Interval<N> arithmetic_shift(const Interval<N>& a, unsigned k) {
  auto r = of_bits<N>(arithmetic_shift_right(a.bits, k, N));
  r.meet_signed(a.smin >> k, a.smax >> k);
  return r;
}

// Whether some member of `a` is k modulo N: shifts look at no more of the amount.
template <unsigned N>
constexpr bool may_shift_by(const Interval<N>& a, unsigned k) {
  if (a.umax - a.umin < N) {
    const std::uint64_t candidate = a.umin + (k + N - a.umin % N) % N;
    return candidate <= a.umax && a.bits.contains(candidate);
  }
  constexpr bool kPowerOfTwo = (N & (N - 1)) == 0;
  return !kPowerOfTwo || ((k ^ a.bits.value) & ~a.bits.mask & (N - 1)) == 0;
}

template <unsigned N>
constexpr Interval<N> one_shift(vm::AluOp op, const Interval<N>& a, unsigned k) {
  if (op == vm::AluOp::kLsh) return shift_left(a, k);
  return op == vm::AluOp::kRsh ? shift_right(a, k) : arithmetic_shift(a, k);
}

template <unsigned N>
constexpr Interval<N> shift(vm::AluOp op, const Interval<N>& a, const Interval<N>& amount) {
  if (amount.is_constant()) return one_shift(op, a, static_cast<unsigned>(amount.umin % N));
  Interval<N> result;
  bool any = false;
  for (unsigned k = 0; k < N; ++k) {
    if (!may_shift_by(amount, k)) continue;
    Interval<N> one = one_shift(op, a, k);
    if (!one.settle()) continue;
    result = any ? result.unite(one) : one;
    any = true;
  }
  return any ? result : Interval<N>{};
}

template <unsigned N>
constexpr Interval<N> div(const Interval<N>& a, const Interval<N>& b) {
  if (b.umax == 0) return Interval<N>::constant(0);
  Interval<N> r;
  if (b.is_constant() && std::has_single_bit(b.umin)) {
    r = shift_right(a, static_cast<unsigned>(std::countr_zero(b.umin)));
  }
  r.meet_unsigned(b.umin == 0 ? 0 : a.umin / b.umax, a.umax / std::max<std::uint64_t>(b.umin, 1));
  return r;
}

template <unsigned N>
constexpr Interval<N> mod(const Interval<N>& a, const Interval<N>& b) {
  if (b.umax == 0) return a;
  if (b.umin > a.umax) return a;
  Interval<N> r;
  if (b.is_constant()) {
    const std::uint64_t c = b.umin;
    if (std::has_single_bit(c)) r = bit_and(a, Interval<N>::constant(c - 1));
    // All of `a` lies between two multiples of c.
    if (a.umin / c == a.umax / c) r.meet_unsigned(a.umin % c, a.umax % c);
  }
  r.meet_unsigned(0, b.umin == 0 ? a.umax : std::min(a.umax, b.umax - 1));
  return r;
}

// Widens low..high by the quotients of a.smin..a.smax and the divisors from..to, which do not hold 0.
template <unsigned N>
constexpr void add_quotients(const Interval<N>& a, std::int64_t from, std::int64_t to, Wide& low, Wide& high) {
  for (const Wide dividend : {Wide{a.smin}, Wide{a.smax}}) {
    for (const Wide divisor : {Wide{from}, Wide{to}}) {
      low = std::min(low, dividend / divisor);
      high = std::max(high, dividend / divisor);
    }
  }
}

template <unsigned N>
constexpr Interval<N> sdiv(const Interval<N>& a, const Interval<N>& b) {
  if (b.umax == 0) return Interval<N>::constant(0);
  constexpr Wide kFar = Wide{1} << 100;
  Wide low = kFar;
  Wide high = -kFar;
  if (b.contains(0)) low = high = 0;
  if (b.smax > 0) add_quotients(a, std::max<std::int64_t>(b.smin, 1), b.smax, low, high);
  if (b.smin < 0) add_quotients(a, b.smin, std::min<std::int64_t>(b.smax, -1), low, high);
  Interval<N> r;
  meet_exact(r, low, high);  // the least number by -1 is one past the greatest: the arc wraps as the machine does
  return r;
}

constexpr Wide magnitude(std::int64_t x) { return x < 0 ? -Wide{x} : Wide{x}; }

// Every |a| is less than every |b|.
template <unsigned N>
constexpr bool smaller_magnitude(const Interval<N>& a, const Interval<N>& b) {
  const Wide least = b.smin > 0 ? Wide{b.smin} : -Wide{b.smax};
  return std::max(magnitude(a.smin), magnitude(a.smax)) < least;
}

template <unsigned N>
constexpr Interval<N> smod(const Interval<N>& a, const Interval<N>& b) {
  if (b.umax == 0 || smaller_magnitude(a, b)) return a;
  const bool may_be_zero = b.contains(0);
  const Wide most = std::max(magnitude(b.smin), magnitude(b.smax));
  const Wide dividend = std::max(magnitude(a.smin), magnitude(a.smax));
  Interval<N> r;
  if (a.is_constant() && b.is_constant()) {
    return Interval<N>::constant(static_cast<std::uint64_t>(Wide{a.smin} % Wide{b.smin}));
  }
  if (b.is_constant() && Wide{a.smin} / b.smin == Wide{a.smax} / b.smin && (a.smin < 0) == (a.smax < 0)) {
    r.meet_signed(static_cast<std::int64_t>(Wide{a.smin} % b.smin), static_cast<std::int64_t>(Wide{a.smax} % b.smin));
  }
  // The remainder has the dividend's sign and is smaller than the divisor, unless that is zero.
  const Wide room = may_be_zero ? dividend : most - 1;
  r.meet_signed(static_cast<std::int64_t>(std::max(std::min<Wide>(a.smin, 0), -room)),
                static_cast<std::int64_t>(std::min(std::max<Wide>(a.smax, 0), room)));
  return r;
}

// The low `bits` sign-extended to N; bits >= N changes nothing.
template <unsigned N>
constexpr Interval<N> sign_extend(const Interval<N>& a, unsigned bits) {
  if (bits >= N) return a;
  auto r = of_bits<N>(a.bits.sign_extend(bits));
  const std::int64_t most = static_cast<std::int64_t>(Bits64::low_bits(bits - 1));
  r.meet_signed(-most - 1, most);
  if (a.smin >= -most - 1 && a.smax <= most) r.meet_signed(a.smin, a.smax);
  // An unsigned range within one period of the low bits is an arc of them.
  const std::uint64_t span = a.umax - a.umin;
  const std::int64_t from = static_cast<std::int64_t>(Bits64::extend_sign(a.umin, bits));
  const std::int64_t to = static_cast<std::int64_t>(Bits64::extend_sign(a.umax, bits));
  if (span < Bits64::low_bits(bits) && from <= to) r.meet_signed(from, to);
  return r;
}

template <unsigned N>
constexpr Interval<N> zero_extend(const Interval<N>& a, unsigned bits) {
  if (bits >= N) return a;
  auto r = of_bits<N>(a.bits.truncate(bits));
  const std::uint64_t keep = Bits64::low_bits(bits);
  const std::uint64_t span = a.umax - a.umin;
  if (span < keep && (a.umin & keep) <= (a.umax & keep)) r.meet_unsigned(a.umin & keep, a.umax & keep);
  if (a.signed_span() < keep) {
    const std::uint64_t from = static_cast<std::uint64_t>(a.smin) & keep;
    const std::uint64_t to = static_cast<std::uint64_t>(a.smax) & keep;
    if (from <= to) r.meet_unsigned(from, to);
  }
  return r;
}

template <unsigned N>
constexpr Interval<N> apply(vm::AluOp op, const Interval<N>& dst, const Interval<N>& src) {
  switch (op) {
    case vm::AluOp::kAdd: return add(dst, src);
    case vm::AluOp::kSub: return sub(dst, src);
    case vm::AluOp::kMul: return mul(dst, src);
    case vm::AluOp::kDiv: return div(dst, src);
    case vm::AluOp::kSdiv: return sdiv(dst, src);
    case vm::AluOp::kOr: return bit_or(dst, src);
    case vm::AluOp::kAnd: return bit_and(dst, src);
    case vm::AluOp::kLsh:
    case vm::AluOp::kRsh:
    case vm::AluOp::kArsh: return shift(op, dst, src);
    case vm::AluOp::kNeg: return neg(dst);
    case vm::AluOp::kMod: return mod(dst, src);
    case vm::AluOp::kSmod: return smod(dst, src);
    case vm::AluOp::kXor: return bit_xor(dst, src);
    case vm::AluOp::kMov: return src;
    case vm::AluOp::kMovsx8: return sign_extend(src, 8);
    case vm::AluOp::kMovsx16: return sign_extend(src, 16);
    case vm::AluOp::kMovsx32: return sign_extend(src, 32);
  }
  return {};
}

}  // namespace sluice::verifier::interval_ops
