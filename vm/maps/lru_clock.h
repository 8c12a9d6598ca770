#pragma once
// Which element of a full LRU map makes room for a new one: a clock. Every element has a mark that look-ups set; a hand
// goes round the elements, takes marks away and stops at the first that has none. A new element starts without, so a
// flood of keys that are seen once pushes out each other and not those in use. Approximate, as in the kernel: after
// kSecondChances elements in a row that are marked the next one goes all the same. Plain arrays beside the elements,
// indexed by element number. Any thread.
#include <cstdint>

namespace sluice::vm {

class LruClock {
 public:
  static constexpr std::uint32_t kSecondChances = 256;  // marked elements one eviction may pass over

  // `homes` and `marks` have a place for each element number, from 0, and live as long as the clock.
  LruClock(std::uint32_t* homes, std::uint8_t* marks) noexcept : homes_(homes), marks_(marks) {}

  // The element is in the map, in the chain that starts at bucket `home`. Under the chain's lock, as is `leave`.
  void enter(std::uint32_t element, std::uint32_t home, bool marked) noexcept {
    __atomic_store_n(&marks_[element], marked ? std::uint8_t{1} : std::uint8_t{0}, __ATOMIC_RELAXED);
    __atomic_store_n(&homes_[element], home + 1, __ATOMIC_RELAXED);
  }
  void leave(std::uint32_t element) noexcept { __atomic_store_n(&homes_[element], 0U, __ATOMIC_RELAXED); }

  // Moves the hand to the next of the elements 1..elements.
  std::uint32_t advance(std::uint32_t elements) noexcept {
    return __atomic_fetch_add(&hand_, 1, __ATOMIC_RELAXED) % elements + 1;
  }
  // Whether the element is in the map, and where. Only a hint without the chain's lock: whoever takes the element out
  // looks again under it.
  [[nodiscard]] bool is_in(std::uint32_t element, std::uint32_t& home) const noexcept {
    const std::uint32_t stored = __atomic_load_n(&homes_[element], __ATOMIC_RELAXED);
    home = stored - 1;
    return stored != 0;
  }
  // Takes the mark away; whether there was one. A look-up at the same time may be forgotten.
  bool unmark(std::uint32_t element) noexcept {
    if (__atomic_load_n(&marks_[element], __ATOMIC_RELAXED) == 0) return false;
    __atomic_store_n(&marks_[element], std::uint8_t{0}, __ATOMIC_RELAXED);
    return true;
  }

 private:
  std::uint32_t* homes_;  // number of the chain's first bucket + 1; 0 = not in the map
  std::uint8_t* marks_;   // HashView::marks
  alignas(64) std::uint32_t hand_ = 0;
};

}  // namespace sluice::vm
