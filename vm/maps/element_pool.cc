#include "vm/maps/element_pool.h"

#include "vm/maps/spin_lock.h"

namespace sluice::vm {

std::uint32_t ElementPool::get() noexcept {
  const SpinGuard guard(lock_);
  if (freed_ < kSpare && used_ < elements_) return ++used_;
  if (freed_ == 0) return 0;
  const std::uint32_t element = ring_[head_];
  head_ = head_ + 1 == elements_ ? 0 : head_ + 1;
  --freed_;
  return element;
}

void ElementPool::put(std::uint32_t element) noexcept {
  const SpinGuard guard(lock_);
  const std::uint64_t tail = std::uint64_t{head_} + freed_;
  ring_[tail >= elements_ ? tail - elements_ : tail] = element;
  ++freed_;
}

}  // namespace sluice::vm
