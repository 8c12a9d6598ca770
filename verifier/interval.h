#pragma once
// What the verifier knows of an N-bit number in one view: its bits and its unsigned and signed ranges. The building
// block of ScalarT (verifier/scalar.h), which holds two: the whole register and its low half. Pure values: any thread.
// Numbers are kept in 64 bits: unsigned ones below 2^N, signed ones sign-extended.
#include <algorithm>
#include <cstdint>

#include "verifier/tnum.h"

namespace sluice::verifier {

template <unsigned N>
struct Interval {
  static_assert(N >= 1 && N <= 64);
  static constexpr std::uint64_t kMask = Tnum<std::uint64_t>::low_bits(N);
  static constexpr std::uint64_t kSign = std::uint64_t{1} << (N - 1);
  static constexpr std::int64_t kMax = static_cast<std::int64_t>(kMask >> 1);
  static constexpr std::int64_t kMin = -kMax - 1;

  Tnum<std::uint64_t> bits{0, kMask};
  std::uint64_t umin = 0, umax = kMask;
  std::int64_t smin = kMin, smax = kMax;

  static constexpr std::int64_t to_signed(std::uint64_t x) {
    return static_cast<std::int64_t>(Tnum<std::uint64_t>::extend_sign(x, N));
  }
  static constexpr std::uint64_t to_unsigned(std::int64_t x) { return static_cast<std::uint64_t>(x) & kMask; }

  static constexpr Interval constant(std::uint64_t x) {
    x &= kMask;
    return {Tnum<std::uint64_t>::constant(x), x, x, to_signed(x), to_signed(x)};
  }
  [[nodiscard]] constexpr bool is_constant() const { return umin == umax; }
  [[nodiscard]] constexpr bool contains(std::uint64_t x) const {
    const std::int64_t s = to_signed(x);
    return bits.contains(x) && umin <= x && x <= umax && smin <= s && s <= smax;
  }

  constexpr void meet_unsigned(std::uint64_t low, std::uint64_t high) {
    umin = std::max(umin, low);
    umax = std::min(umax, high);
  }
  constexpr void meet_signed(std::int64_t low, std::int64_t high) {
    smin = std::max(smin, low);
    smax = std::min(smax, high);
  }
  // Keeps the numbers start, start+1, .., start+length modulo 2^N; both ranges learn what they can express.
  constexpr void meet_arc(std::uint64_t start, std::uint64_t length) {
    if (length >= kMask) return;
    const std::uint64_t end = (start + length) & kMask;
    if (start <= end) {
      meet_unsigned(start, end);
    } else if (umax < start) {
      umax = std::min(umax, end);
    } else if (umin > end) {
      umin = std::max(umin, start);
    }
    const std::int64_t from = to_signed(start);
    const std::int64_t to = to_signed(end);
    if (from <= to) {
      meet_signed(from, to);
    } else if (smax < from) {
      smax = std::min(smax, to);
    } else if (smin > to) {
      smin = std::max(smin, from);
    }
  }
  // False when no number is left.
  [[nodiscard]] constexpr bool meet_bits(const Tnum<std::uint64_t>& other) {
    const auto both = bits.intersect(other);
    if (!both) return false;
    bits = *both;
    return true;
  }

  // Precondition: smin <= smax. How many numbers from smin to smax, less one.
  [[nodiscard]] constexpr std::uint64_t signed_span() const {
    return static_cast<std::uint64_t>(smax) - static_cast<std::uint64_t>(smin);
  }

  // Lets bits and ranges tell each other what they know, once. False when no number is left.
  [[nodiscard]] constexpr bool tighten() {
    if (umin > umax || smin > smax) return false;
    meet_arc(umin, umax - umin);
    meet_arc(to_unsigned(smin), signed_span());
    if (umin > umax || smin > smax) return false;
    if (!meet_bits(Tnum<std::uint64_t>::range(umin, umax))) return false;
    const auto first = bits.first_from(umin);
    const auto last = bits.last_up_to(umax);
    if (!first || !last || *first > umax || *last < umin) return false;
    umin = *first;
    umax = *last;
    // Signed order is the unsigned order of the numbers with the sign bit turned.
    const Tnum<std::uint64_t> turned{bits.value ^ (kSign & ~bits.mask), bits.mask};
    const auto sfirst = turned.first_from(to_unsigned(smin) ^ kSign);
    const auto slast = turned.last_up_to(to_unsigned(smax) ^ kSign);
    if (!sfirst || !slast) return false;
    meet_signed(to_signed(*sfirst ^ kSign), to_signed(*slast ^ kSign));
    return umin <= umax && smin <= smax;
  }
  // `tighten` until nothing changes.
  [[nodiscard]] constexpr bool settle() {
    if (*this == constant(bits.value) || *this == Interval{}) return true;  // nothing more to know, the usual cases
    for (unsigned round = 0; round < 8; ++round) {
      const Interval before = *this;
      if (!tighten()) return false;
      if (*this == before) break;
    }
    return true;
  }
  // The least interval that holds both.
  [[nodiscard]] constexpr Interval unite(const Interval& other) const {
    return {bits.unite(other.bits), std::min(umin, other.umin), std::max(umax, other.umax), std::min(smin, other.smin),
            std::max(smax, other.smax)};
  }
  [[nodiscard]] constexpr bool is_subset_of(const Interval& other) const {
    return umin >= other.umin && umax <= other.umax && smin >= other.smin && smax <= other.smax &&
           bits.is_subset_of(other.bits);
  }

  friend constexpr bool operator==(const Interval&, const Interval&) = default;
};

}  // namespace sluice::verifier
