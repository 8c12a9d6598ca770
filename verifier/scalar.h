#pragma once
// What the verifier knows of a number in a register: its bits, and unsigned and signed ranges of the whole and of its
// low half, kept in step (kernel Documentation/bpf/verifier.rst). Use: `alu` and `endian` follow instructions, `branch`
// foretells a jump, `refine` learns from one taken or not. Every operation is sound: whatever the operands may be at
// run time, the result is described. `Scalar` is the real one; the width is a parameter so that tests can try all
// values of narrow ones. Never empty. Pure values: any thread.
#include <cstdint>
#include <optional>

#include "verifier/interval.h"
#include "verifier/tnum.h"
#include "vm/isa.h"

namespace sluice::verifier {

// Numbers are kept in 64 bits: unsigned ones below 2^Bits, signed ones sign-extended from Bits.
template <unsigned Bits>
class ScalarT {
 public:
  static_assert(Bits % 2 == 0 && Bits <= 64);
  static constexpr unsigned kHalf = Bits / 2;
  using Whole = Interval<Bits>;
  using Half = Interval<kHalf>;

  constexpr ScalarT() = default;  // unknown
  static constexpr ScalarT unknown() { return {}; }
  static ScalarT constant(std::uint64_t value);
  // low <= high, both included; unsigned.
  static ScalarT range(std::uint64_t low, std::uint64_t high);
  // smin <= smax, both included.
  static ScalarT signed_range(std::int64_t low, std::int64_t high);
  static ScalarT of_bits(const Tnum<std::uint64_t>& bits);
  // What is in all of the views; nothing when that is provably empty. The bits of `half` must not be unknown above it.
  static std::optional<ScalarT> meet_of(const Whole& whole, const Half& half);

  [[nodiscard]] bool is_constant() const { return umin_ == umax_; }
  [[nodiscard]] std::uint64_t constant_value() const { return umin_; }  // precondition: is_constant()
  [[nodiscard]] std::uint64_t umin() const { return umin_; }
  [[nodiscard]] std::uint64_t umax() const { return umax_; }
  [[nodiscard]] std::int64_t smin() const { return smin_; }
  [[nodiscard]] std::int64_t smax() const { return smax_; }
  // Ranges of the low half.
  [[nodiscard]] std::uint32_t u32min() const { return half_umin_; }
  [[nodiscard]] std::uint32_t u32max() const { return half_umax_; }
  [[nodiscard]] std::int32_t s32min() const { return half_smin_; }
  [[nodiscard]] std::int32_t s32max() const { return half_smax_; }
  [[nodiscard]] Tnum<std::uint64_t> bits() const { return bits_; }
  [[nodiscard]] Whole whole() const { return {bits_, umin_, umax_, smin_, smax_}; }
  [[nodiscard]] Half half() const { return {bits_.truncate(kHalf), half_umin_, half_umax_, half_smin_, half_smax_}; }

  [[nodiscard]] bool contains(std::uint64_t value) const {
    return whole().contains(value) && half().contains(value & Half::kMask);
  }
  // Every view of *this lies in that of `other`: all members of *this are members of `other`.
  [[nodiscard]] bool is_subset_of(const ScalarT& other) const {
    return whole().is_subset_of(other.whole()) && half().is_subset_of(other.half());
  }
  // What is in both; nothing when that is provably empty.
  [[nodiscard]] std::optional<ScalarT> intersect(const ScalarT& other) const;

  friend bool operator==(const ScalarT&, const ScalarT&) = default;

 private:
  // Lets all views tell each other what they know. False when nothing is left.
  [[nodiscard]] bool settle();
  bool learn_half_from_whole();
  bool learn_whole_from_half();

  Tnum<std::uint64_t> bits_{0, Whole::kMask};
  std::uint64_t umin_ = 0, umax_ = Whole::kMask;
  std::int64_t smin_ = Whole::kMin, smax_ = Whole::kMax;
  std::uint32_t half_umin_ = 0, half_umax_ = static_cast<std::uint32_t>(Half::kMask);
  std::int32_t half_smin_ = static_cast<std::int32_t>(Half::kMin), half_smax_ = static_cast<std::int32_t>(Half::kMax);
};

using Scalar = ScalarT<64>;

// `dst OP src`; narrow operations use the low halves and zero-extend. kNeg does not look at `src`, kMov and kMovsx not
// at `dst`.
template <unsigned Bits>
ScalarT<Bits> alu(vm::AluOp op, bool wide, const ScalarT<Bits>& dst, const ScalarT<Bits>& src);

// The low `bits` (1..Bits), zero- or sign-extended to Bits.
template <unsigned Bits>
ScalarT<Bits> zero_extend_bits(const ScalarT<Bits>& a, unsigned bits);
template <unsigned Bits>
ScalarT<Bits> sign_extend_bits(const ScalarT<Bits>& a, unsigned bits);

inline Scalar zero_extend(const Scalar& a, unsigned bytes) { return zero_extend_bits(a, 8 * bytes); }
inline Scalar sign_extend(const Scalar& a, unsigned bytes) { return sign_extend_bits(a, 8 * bytes); }

// What `bytes` (1, 2, 4 or 8) of memory hold, zero-extended.
Scalar unknown_bytes(unsigned bytes);

// `bytes` is 2, 4 or 8.
Scalar endian(vm::EndianOp op, const Scalar& a, unsigned bytes);

enum class Truth : std::uint8_t { kNever, kAlways, kMaybe };

// Whether `a COND b` holds; narrow comparisons look at the low halves.
template <unsigned Bits>
Truth branch(vm::Cond cond, bool wide, const ScalarT<Bits>& a, const ScalarT<Bits>& b);

// What a and b are after `a COND b` turned out to be `taken`. False: impossible, a and b are then unchanged.
template <unsigned Bits>
bool refine(vm::Cond cond, bool wide, bool taken, ScalarT<Bits>& a, ScalarT<Bits>& b);

// Describes whatever one of them does.
template <unsigned Bits>
ScalarT<Bits> join(const ScalarT<Bits>& a, const ScalarT<Bits>& b);

extern template class ScalarT<64>;
extern template Scalar alu(vm::AluOp, bool, const Scalar&, const Scalar&);
extern template Scalar zero_extend_bits(const Scalar&, unsigned);
extern template Scalar sign_extend_bits(const Scalar&, unsigned);
extern template Truth branch(vm::Cond, bool, const Scalar&, const Scalar&);
extern template bool refine(vm::Cond, bool, bool, Scalar&, Scalar&);
extern template Scalar join(const Scalar&, const Scalar&);

}  // namespace sluice::verifier
