#pragma once
// Tristate numbers: what is known of the bits of a value (kernel Documentation/bpf/verifier.rst, "Register value
// tracking"; Vishwanathan et al., CGO 2022). A bit set in `mask` may be either; the others equal `value`. Invariant:
// value & mask == 0. Pure values: any thread. Operations work modulo 2^digits; for a narrower width keep values below
// 2^bits and cut results with `truncate`, which is exact for all of them because no low bit depends on a higher one.
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice::verifier {

template <typename U>
struct Tnum {
  U value = 0;
  U mask = static_cast<U>(~U{0});

  static constexpr unsigned kDigits = std::numeric_limits<U>::digits;

  static constexpr Tnum unknown() { return {U{0}, static_cast<U>(~U{0})}; }
  static constexpr Tnum constant(U value) { return {value, U{0}}; }
  // The least tnum that holds low..high (both included, low <= high): the common leading bits are known.
  static constexpr Tnum range(U low, U high) {
    const U differing = below_or_at_top_bit(static_cast<U>(low ^ high));
    return {static_cast<U>(low & ~differing), differing};
  }

  [[nodiscard]] constexpr bool is_constant() const { return mask == 0; }
  [[nodiscard]] constexpr bool contains(U x) const { return ((x ^ value) & ~mask) == 0; }
  [[nodiscard]] constexpr U min() const { return value; }
  [[nodiscard]] constexpr U max() const { return static_cast<U>(value | mask); }
  // Every member of *this is one of `other`.
  [[nodiscard]] constexpr bool is_subset_of(const Tnum& other) const {
    return (mask & ~other.mask) == 0 && other.contains(value);
  }
  // No number is in both.
  [[nodiscard]] constexpr bool is_disjoint_from(const Tnum& other) const {
    return ((value ^ other.value) & ~mask & ~other.mask) != 0;
  }
  [[nodiscard]] constexpr std::optional<Tnum> intersect(const Tnum& other) const {
    if (is_disjoint_from(other)) return std::nullopt;
    const U both = static_cast<U>(mask & other.mask);
    return Tnum{static_cast<U>((value | other.value) & ~both), both};
  }
  // The least tnum that holds both.
  [[nodiscard]] constexpr Tnum unite(const Tnum& other) const {
    const U differing = static_cast<U>(mask | other.mask | (value ^ other.value));
    return {static_cast<U>(value & ~differing), differing};
  }
  // The low `bits` (1..kDigits), the rest known zero.
  [[nodiscard]] constexpr Tnum truncate(unsigned bits) const {
    const U keep = low_bits(bits);
    return {static_cast<U>(value & keep), static_cast<U>(mask & keep)};
  }
  // The low `bits` (1..kDigits) sign-extended to all digits.
  [[nodiscard]] constexpr Tnum sign_extend(unsigned bits) const {
    return {extend_sign(value, bits), extend_sign(mask, bits)};
  }
  // The least member that is at least `low`, if there is one.
  [[nodiscard]] constexpr std::optional<U> first_from(U low) const {
    const U wrong = static_cast<U>((low ^ value) & ~mask);
    if (wrong == 0) return low;
    const U top = std::bit_floor(wrong);
    const U below = static_cast<U>(top - 1);
    // `low` has 0 where 1 is demanded: taking the 1 already makes it greater, everything below may be least.
    if ((value & top) != 0) return static_cast<U>((low & ~below & ~top) | top | (value & below));
    // `low` has 1 where 0 is demanded: a free 0 bit above must become 1, the lowest such.
    const U free = static_cast<U>(mask & ~low & ~(below | top));
    if (free == 0) return std::nullopt;
    const U step = static_cast<U>(free & (~free + 1));
    return static_cast<U>((low & ~(step | (step - 1))) | step | (value & (step - 1)));
  }
  // The greatest member that is at most `high`, if there is one.
  [[nodiscard]] constexpr std::optional<U> last_up_to(U high) const {
    const Tnum mirrored{static_cast<U>(~value & ~mask), mask};
    const std::optional<U> found = mirrored.first_from(static_cast<U>(~high));
    return found ? std::optional<U>(static_cast<U>(~*found)) : std::nullopt;
  }

  friend constexpr bool operator==(const Tnum&, const Tnum&) = default;

  // The bits 0..bits-1 set; bits in 0..kDigits.
  static constexpr U low_bits(unsigned bits) {
    return bits >= kDigits ? static_cast<U>(~U{0}) : static_cast<U>((U{1} << bits) - 1);
  }
  static constexpr U extend_sign(U x, unsigned bits) {
    if (bits >= kDigits) return x;
    const U sign = static_cast<U>(U{1} << (bits - 1));
    const U kept = static_cast<U>(x & low_bits(bits));
    return static_cast<U>((kept ^ sign) - sign);
  }

 private:
  // All bits up to the highest one of x.
  static constexpr U below_or_at_top_bit(U x) { return low_bits(static_cast<unsigned>(std::bit_width(x))); }
};

template <typename U>
constexpr Tnum<U> operator&(const Tnum<U>& a, const Tnum<U>& b) {
  const U ones = static_cast<U>(a.value & b.value);
  const U possible = static_cast<U>((a.value | a.mask) & (b.value | b.mask));
  return {ones, static_cast<U>(possible & ~ones)};
}

template <typename U>
constexpr Tnum<U> operator|(const Tnum<U>& a, const Tnum<U>& b) {
  const U ones = static_cast<U>(a.value | b.value);
  return {ones, static_cast<U>((a.mask | b.mask) & ~ones)};
}

template <typename U>
constexpr Tnum<U> operator^(const Tnum<U>& a, const Tnum<U>& b) {
  const U unknown = static_cast<U>(a.mask | b.mask);
  return {static_cast<U>((a.value ^ b.value) & ~unknown), unknown};
}

// A sum's bit is known where the operands' bits are and the carry into it is the same for the least and the greatest
// operands.
template <typename U>
constexpr Tnum<U> operator+(const Tnum<U>& a, const Tnum<U>& b) {
  const U least = static_cast<U>(a.value + b.value);
  const U greatest = static_cast<U>(a.max() + b.max());
  const U unknown = static_cast<U>((least ^ greatest ^ a.mask ^ b.mask) | a.mask | b.mask);
  return {static_cast<U>(least & ~unknown), unknown};
}

template <typename U>
constexpr Tnum<U> operator-(const Tnum<U>& a, const Tnum<U>& b) {
  const U least = static_cast<U>(a.value - b.max());
  const U greatest = static_cast<U>(a.max() - b.value);
  const U unknown = static_cast<U>((least ^ greatest ^ a.mask ^ b.mask) | a.mask | b.mask);
  return {static_cast<U>(least & ~unknown), unknown};
}

template <typename U>
constexpr Tnum<U> operator-(const Tnum<U>& a) {
  return Tnum<U>::constant(0) - a;
}

// Long multiplication; a bit of `a` that may be either joins the sums with and without its row.
template <typename U>
constexpr Tnum<U> operator*(Tnum<U> a, Tnum<U> b) {
  if (a.is_constant() && b.is_constant()) return Tnum<U>::constant(static_cast<U>(a.value * b.value));
  if (std::popcount(a.max()) > std::popcount(b.max())) std::swap(a, b);
  Tnum<U> sum = Tnum<U>::constant(0);
  for (U left = a.max(); left != 0; left = static_cast<U>(left & (left - 1))) {
    const auto shift = static_cast<unsigned>(std::countr_zero(left));
    const Tnum<U> with = sum + (b << shift);
    sum = ((a.mask >> shift) & 1) != 0 ? sum.unite(with) : with;
  }
  return sum;
}

// Shift amounts are below kDigits.
template <typename U>
constexpr Tnum<U> operator<<(const Tnum<U>& a, unsigned shift) {
  return {static_cast<U>(a.value << shift), static_cast<U>(a.mask << shift)};
}

template <typename U>
constexpr Tnum<U> operator>>(const Tnum<U>& a, unsigned shift) {
  return {static_cast<U>(a.value >> shift), static_cast<U>(a.mask >> shift)};
}

// Arithmetic right shift of a number of `bits` bits, the result again of `bits` bits.
template <typename U>
constexpr Tnum<U> arithmetic_shift_right(const Tnum<U>& a, unsigned shift, unsigned bits) {
  using S = std::make_signed_t<U>;
  const Tnum<U> wide = a.sign_extend(bits);
  const Tnum<U> shifted{static_cast<U>(static_cast<S>(wide.value) >> shift),
                        static_cast<U>(static_cast<S>(wide.mask) >> shift)};
  return shifted.truncate(bits);
}

}  // namespace sluice::verifier
