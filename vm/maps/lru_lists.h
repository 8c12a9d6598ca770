#pragma once
// Which element of a full LRU map makes room for a new one. Two lists of equal length at most: new elements go to the
// end of the young list; one that was looked up before it came to the front goes on to the old list, any other goes
// out. While the old list is the longer one, its front element falls back to the end of the young list, or stays, at
// its end, when it was used since it came to the front last. So a flood of keys that are seen once passes through half
// of the map, and what was in use long ago still goes. Use is counted up to kHashMostMarks in HashView::marks, by
// look-ups without a lock; the lists have one of a few instructions. Approximate, as in the kernel: after
// kSecondChances used elements in a row the next one goes all the same. Any thread.
#include <cstdint>

namespace sluice::vm {

class LruLists {
 public:
  static constexpr std::uint32_t kSecondChances = 256;  // used elements one `pick` may pass over

  // An element of the map, by its number from 1. In no list while `list` is kNone.
  struct Node {
    std::uint32_t next = 0, before = 0;  // in its list, towards the end and the front; 0 = none
    std::uint32_t home = 0;              // number of its chain's first bucket + 1; 0 = not in the map
    std::uint32_t list = 0;              // kNone, kYoung or kOld
  };

  // `nodes` and `marks` have a place for each element number, from 0, and live as long as the lists.
  LruLists(Node* nodes, std::uint8_t* marks, std::uint32_t max_entries) noexcept
      : nodes_(nodes), marks_(marks), share_(max_entries / 2 + max_entries % 2) {}

  // Under the lock of the chain that starts at bucket `home`, as are `take_over` and `leave`.
  void enter(std::uint32_t element, std::uint32_t home) noexcept;
  // `element` is what `before` was, one use more.
  void take_over(std::uint32_t element, std::uint32_t before) noexcept;
  void leave(std::uint32_t element) noexcept;

  // The element to take out and where it is; 0 when the lists are empty. Only a hint: whoever takes it out sees under
  // its chain's lock that it `is_in` there still.
  std::uint32_t pick(std::uint32_t& home) noexcept;
  [[nodiscard]] bool is_in(std::uint32_t element, std::uint32_t home) const noexcept {
    return __atomic_load_n(&nodes_[element].home, __ATOMIC_RELAXED) == home + 1;
  }

 private:
  enum : std::uint32_t { kNone, kYoung, kOld };
  struct List {
    std::uint32_t first = 0, last = 0, size = 0;
  };
  // Under lock_.
  void append(std::uint32_t list, std::uint32_t element) noexcept;
  void remove(std::uint32_t element) noexcept;
  void move(std::uint32_t list, std::uint32_t element) noexcept;
  // Puts an element that came to its list's front where its marks say; false when it is the one to go.
  bool pass(std::uint32_t list, std::uint32_t element, bool may_stay) noexcept;

  Node* nodes_;
  std::uint8_t* marks_;
  std::uint32_t share_;  // elements in the young list below which the old one gives
  alignas(64) std::uint32_t lock_ = 0;
  List lists_[3];
};

}  // namespace sluice::vm
