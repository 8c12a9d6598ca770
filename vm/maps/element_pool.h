#pragma once
// The free elements of one map: numbers from 1. A freed number is given out again as late as the pool's size allows
// (first in, first out behind a short queue), so that pointers programs still hold keep showing the old bytes for a
// while; numbers never used before are touched only when needed. Any thread; a lock of a few instructions.
#include <cstdint>

namespace sluice::vm {

class alignas(64) ElementPool {
 public:
  // Spare elements beyond max_entries: what updates take before they give the old element back, and what delays reuse.
  static constexpr std::uint32_t kSpare = 256;

  // `ring` has room for `elements` numbers and lives as long as the pool.
  ElementPool(std::uint32_t* ring, std::uint32_t elements) noexcept : ring_(ring), elements_(elements) {}

  // A free number, or 0 when there is none.
  std::uint32_t get() noexcept;
  void put(std::uint32_t element) noexcept;

 private:
  std::uint32_t* ring_;
  std::uint32_t elements_;
  std::uint32_t lock_ = 0;
  std::uint32_t used_ = 0;   // numbers 1..used_ were given out at least once
  std::uint32_t head_ = 0;   // place in ring_ of the oldest freed number
  std::uint32_t freed_ = 0;  // numbers in the ring
};

}  // namespace sluice::vm
