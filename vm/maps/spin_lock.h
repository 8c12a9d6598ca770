#pragma once
// A lock for a handful of instructions: spins, then yields the CPU, because two workers may share one. Plain data so
// that it can lie in a view or a map's value (a 32-bit word, zero = free). Any thread.
#include <sched.h>

#include <cstdint>

namespace sluice::vm {

constexpr unsigned kSpins = 256;  // before the first yield

inline void spin_lock(std::uint32_t& word) noexcept {
  unsigned turns = 0;
  // Pairs with the release in spin_unlock.
  while (__atomic_exchange_n(&word, 1U, __ATOMIC_ACQUIRE) != 0) {
    while (__atomic_load_n(&word, __ATOMIC_RELAXED) != 0) {
      if (++turns >= kSpins) sched_yield();
    }
  }
}
inline void spin_unlock(std::uint32_t& word) noexcept { __atomic_store_n(&word, 0U, __ATOMIC_RELEASE); }

class SpinGuard {
 public:
  explicit SpinGuard(std::uint32_t& word) noexcept : word_(word) { spin_lock(word_); }
  ~SpinGuard() { spin_unlock(word_); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  std::uint32_t& word_;
};

}  // namespace sluice::vm
