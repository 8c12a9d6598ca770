#include "vm/maps/lru_lists.h"

#include <algorithm>

#include "vm/maps/hash_view.h"
#include "vm/maps/spin_lock.h"

namespace sluice::vm {
namespace {

// Look-ups count beside us: a use at the same time may be forgotten.
std::uint8_t marks_of(const std::uint8_t& marks) { return __atomic_load_n(&marks, __ATOMIC_RELAXED); }
void set_marks(std::uint8_t& marks, int number) {
  __atomic_store_n(&marks, static_cast<std::uint8_t>(number), __ATOMIC_RELAXED);
}
// Read by is_in without lock_.
void set_home(std::uint32_t& home, std::uint32_t number) { __atomic_store_n(&home, number, __ATOMIC_RELAXED); }

}  // namespace

void LruLists::append(std::uint32_t list, std::uint32_t element) noexcept {
  List& to = lists_[list];
  nodes_[element].next = 0;
  nodes_[element].before = to.last;
  nodes_[element].list = list;
  (to.last != 0 ? nodes_[to.last].next : to.first) = element;
  to.last = element;
  ++to.size;
}

void LruLists::remove(std::uint32_t element) noexcept {
  Node& node = nodes_[element];
  List& from = lists_[node.list];
  (node.before != 0 ? nodes_[node.before].next : from.first) = node.next;
  (node.next != 0 ? nodes_[node.next].before : from.last) = node.before;
  node.list = kNone;
  --from.size;
}

void LruLists::move(std::uint32_t list, std::uint32_t element) noexcept {
  remove(element);
  append(list, element);
}

void LruLists::enter(std::uint32_t element, std::uint32_t home) noexcept {
  set_marks(marks_[element], 0);
  const SpinGuard guard(lock_);
  set_home(nodes_[element].home, home + 1);
  append(kYoung, element);
}

void LruLists::take_over(std::uint32_t element, std::uint32_t before) noexcept {
  set_marks(marks_[element], std::min(marks_of(marks_[before]) + 1, int{kHashMostMarks}));
  const SpinGuard guard(lock_);
  Node& node = nodes_[before];
  set_home(nodes_[element].home, node.home);
  nodes_[element].next = node.next;
  nodes_[element].before = node.before;
  nodes_[element].list = node.list;
  List& held = lists_[node.list];
  (node.before != 0 ? nodes_[node.before].next : held.first) = element;
  (node.next != 0 ? nodes_[node.next].before : held.last) = element;
  node.list = kNone;
  set_home(node.home, 0);
}

void LruLists::leave(std::uint32_t element) noexcept {
  const SpinGuard guard(lock_);
  remove(element);
  set_home(nodes_[element].home, 0);
}

bool LruLists::pass(std::uint32_t list, std::uint32_t element, bool may_stay) noexcept {
  const std::uint8_t marks = may_stay ? marks_of(marks_[element]) : std::uint8_t{0};
  if (list == kYoung) {
    if (marks == 0) return false;
    set_marks(marks_[element], 0);
    move(kOld, element);
    return true;
  }
  if (marks != 0) set_marks(marks_[element], marks - 1);
  move(marks != 0 ? kOld : kYoung, element);
  return true;
}

std::uint32_t LruLists::pick(std::uint32_t& home) noexcept {
  const SpinGuard guard(lock_);
  for (std::uint32_t step = 0;; ++step) {
    const bool may_stay = step < kSecondChances;
    const bool old_gives = lists_[kOld].size != 0 && lists_[kYoung].size < share_ && may_stay;
    const std::uint32_t list = old_gives || lists_[kYoung].size == 0 ? kOld : kYoung;
    const std::uint32_t element = lists_[list].first;
    if (element == 0) return 0;
    if (pass(list, element, may_stay)) continue;
    home = nodes_[element].home - 1;
    move(kYoung, element);  // to the end: who picks next while this one is taken out gets another
    return element;
  }
}

}  // namespace sluice::vm
