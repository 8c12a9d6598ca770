#pragma once
// A lock for a handful of instructions: spins, then yields the CPU, because two workers may share one. Plain data so
// that it can lie in a view (a 32-bit word, zero = free). Any thread.
#include <sched.h>

#include <cstdint>

namespace sluice::vm {

class SpinGuard {
 public:
  explicit SpinGuard(std::uint32_t& word) noexcept : word_(word) {
    unsigned turns = 0;
    // Pairs with the release in the destructor.
    while (__atomic_exchange_n(&word_, 1U, __ATOMIC_ACQUIRE) != 0) {
      while (__atomic_load_n(&word_, __ATOMIC_RELAXED) != 0) {
        if (++turns >= kSpins) sched_yield();
      }
    }
  }
  ~SpinGuard() { __atomic_store_n(&word_, 0U, __ATOMIC_RELEASE); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  static constexpr unsigned kSpins = 256;
  std::uint32_t& word_;
};

}  // namespace sluice::vm
