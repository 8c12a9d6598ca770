#pragma once
// Unsigned division by a constant as a multiplication: Granlund and Montgomery, "Division by Invariant Integers using
// Multiplication" (PLDI 1994), section 4. Pure: any thread.
#include <cstdint>

namespace sluice::jit::x86_64 {

// For every n of `bits` bits: n / divisor = (n * multiplier >> bits) >> shift, where the multiplier has one bit more,
// the highest, when `extra` is set.
struct Reciprocal {
  std::uint64_t multiplier = 0;  // its low `bits` bits
  bool extra = false;
  unsigned shift = 0;
};

// `divisor` is not 0 and no power of two; `bits` is 32 or 64.
Reciprocal reciprocal(std::uint32_t divisor, unsigned bits);

}  // namespace sluice::jit::x86_64
