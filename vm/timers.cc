#include "vm/timers.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/check.h"
#include "vm/maps/array_view.h"
#include "vm/maps/map.h"
#include "vm/maps/spin_lock.h"
#include "vm/maps/value_copy.h"

namespace sluice::vm {
namespace {

constexpr std::uint32_t kNoNode = UINT32_MAX;
constexpr std::uint64_t kNever = INT64_MAX;  // ns; what the kernel makes of times that are too late
constexpr std::uint64_t kClocks = 16;        // MAX_CLOCKS, linux/time.h
constexpr unsigned kReclaimSteps = 64;

// First word, 0 = not initialised: clock in bits 0..3, number of the map in 4..19, number of the callback in 20..35.
constexpr unsigned kMapShift = 4;
constexpr unsigned kCallbackShift = 20;
constexpr std::uint64_t kNumberMask = 0xffff;
constexpr std::uint64_t kCallbackMask = kNumberMask << kCallbackShift;

std::uint32_t map_in(std::uint64_t word) { return static_cast<std::uint32_t>(word >> kMapShift & kNumberMask); }
std::uint32_t callback_in(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> kCallbackShift & kNumberMask);
}

// Second word, 0 = not armed: node + 1 in bits 0..23, worker in 24..33, generation above.
constexpr unsigned kWorkerShift = 24;
constexpr unsigned kGenerationShift = 34;
constexpr std::uint64_t kNodeMask = 0xff'ffff;
constexpr std::uint32_t kGenerationMask = (1U << 30) - 1;
constexpr std::uint32_t kMostWorkers = 1024;

std::uint64_t* first_word(std::byte* timer) { return reinterpret_cast<std::uint64_t*>(timer); }
std::uint64_t* second_word(std::byte* timer) { return reinterpret_cast<std::uint64_t*>(timer) + 1; }

// Pairs with the stores of init and set_callback on any worker.
std::uint64_t load(const std::uint64_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

bool is_clock(std::uint64_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME;
}

// When a timer of `which` clock is due, on the clock that run_due is told. In the kernel times are signed, and those
// below 0 never come.
std::uint64_t deadline_of(std::uint64_t ns, bool absolute, clockid_t which, const Clock& clock) {
  if (ns > kNever) return kNever;
  const std::uint64_t now = clock.now_ns();
  if (!absolute) return std::min(now + ns, kNever);
  if (which == CLOCK_MONOTONIC || clock.is_virtual) return ns;
  const std::uint64_t there = clock.now_ns(which);
  if (ns <= there) return now;
  return std::min(now + (ns - there), kNever);
}

}  // namespace

TimerRegistry::TimerRegistry(std::span<Map* const> maps) {
  for (Map* const map : maps) {
    if (map->spec().special.timer < 0 || number_of(*map) != 0 || maps_.size() == kNumberMask) continue;
    maps_.push_back(map);
    MapCursor cursor;
    while (map->next_element(cursor, 0)) clear_timer(map->spec(), reinterpret_cast<std::uint8_t*>(cursor.value));
  }
}

std::uint64_t TimerRegistry::timers() const noexcept {
  std::uint64_t sum = 0;
  for (const Map* const map : maps_) sum += map->spec().max_entries;
  return sum;
}

std::uint32_t TimerRegistry::number_of(const Map& map) const noexcept {
  const auto found = std::ranges::find(maps_, &map);
  return found == maps_.end() ? 0 : static_cast<std::uint32_t>(found - maps_.begin()) + 1;
}

std::uint32_t TimerRegistry::find(const TimerCallback& callback, std::uint32_t count) const noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (callbacks_[i] == callback) return i + 1;
  }
  return 0;
}

std::uint32_t TimerRegistry::number_of(const TimerCallback& callback) noexcept {
  // Pairs with the store below: entries under the count are whole and never change.
  if (const std::uint32_t known = find(callback, __atomic_load_n(&count_, __ATOMIC_ACQUIRE))) return known;
  const SpinGuard guard(lock_);
  if (const std::uint32_t known = find(callback, count_)) return known;
  if (count_ == kMostCallbacks) return 0;
  callbacks_[count_] = callback;
  __atomic_store_n(&count_, count_ + 1, __ATOMIC_RELEASE);
  return count_;
}

Map* TimerRegistry::map(std::uint32_t number) const noexcept {
  return number >= 1 && number <= maps_.size() ? maps_[number - 1] : nullptr;
}

const TimerCallback* TimerRegistry::callback(std::uint32_t number) const noexcept {
  const std::uint32_t count = __atomic_load_n(&count_, __ATOMIC_ACQUIRE);
  return number >= 1 && number <= count ? &callbacks_[number - 1] : nullptr;
}

Timers::Timers(TimerRegistry& registry, std::uint32_t worker, std::uint32_t armed)
    : registry_(registry), worker_(worker), nodes_(armed), heap_(armed), free_(armed) {
  SLUICE_CHECK(worker < kMostWorkers && armed >= 1 && armed <= kMostArmed);
  for (std::uint32_t i = 0; i < armed; ++i) free_[i] = armed - 1 - i;
}

Timers::~Timers() {
  for (std::uint32_t i = 0; i < armed_; ++i) {
    std::uint64_t handle = handle_of(heap_[i]);
    __atomic_compare_exchange_n(second_word(nodes_[heap_[i]].timer), &handle, 0, false, __ATOMIC_ACQ_REL,
                                __ATOMIC_ACQUIRE);
  }
}

// A quarter more: timers whose element was freed keep their node until they are due or room is wanted.
std::uint32_t Timers::room_for(const TimerRegistry& registry) noexcept {
  const std::uint64_t timers = registry.timers();
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(timers + timers / 4 + kReclaimSteps, kMostArmed));
}

int Timers::init(std::byte* timer, const Map& map, std::uint64_t flags) noexcept {
  if (flags >= kClocks || !is_clock(flags)) return -EINVAL;
  const std::uint64_t number = registry_.number_of(map);
  if (number == 0) return -EOPNOTSUPP;
  std::uint64_t none = 0;
  if (!__atomic_compare_exchange_n(first_word(timer), &none, flags | number << kMapShift, false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_ACQUIRE)) {
    return -EBUSY;
  }
  // It may have been freed while somebody armed it.
  __atomic_store_n(second_word(timer), 0, __ATOMIC_RELEASE);
  if (running_ == timer) running_ = nullptr;  // what runs was another one
  return 0;
}

int Timers::set_callback(std::byte* timer, const TimerCallback& callback) noexcept {
  std::uint64_t word = load(first_word(timer));
  if (word == 0) return -EINVAL;
  const std::uint64_t number = registry_.number_of(callback);
  if (number == 0) return -ENOMEM;
  std::uint64_t wanted = 0;
  do {
    if (word == 0) return -EINVAL;
    wanted = (word & ~kCallbackMask) | number << kCallbackShift;
  } while (!__atomic_compare_exchange_n(first_word(timer), &word, wanted, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  return 0;
}

int Timers::start(std::byte* timer, std::uint64_t ns, std::uint64_t flags, const Clock& clock) noexcept {
  if ((flags & ~(kTimerAbsolute | kTimerPinned)) != 0) return -EINVAL;
  const std::uint64_t word = load(first_word(timer));
  if (callback_in(word) == 0) return -EINVAL;
  std::uint32_t node = node_of(load(second_word(timer)), timer);
  const bool is_new = node == kNoNode;
  if (is_new) node = take_node();
  if (node == kNoNode) return -ENOMEM;
  Node& armed = nodes_[node];
  armed.deadline = deadline_of(ns, (flags & kTimerAbsolute) != 0, static_cast<clockid_t>(word & (kClocks - 1)), clock);
  armed.sequence = ++sequence_;
  if (is_new) {
    armed.timer = timer;
    put(++armed_, node);
  }
  sift_up(armed.place);
  sift_down(armed.place);
  // A node of another worker that stood for the timer is stale from here on. Pairs with the loads of run_due and of
  // other workers.
  __atomic_store_n(second_word(timer), handle_of(node), __ATOMIC_RELEASE);
  return 0;
}

int Timers::cancel(std::byte* timer) noexcept {
  if (load(first_word(timer)) == 0) return -EINVAL;
  if (running_ == timer) return -EDEADLK;
  __atomic_fetch_and(first_word(timer), ~kCallbackMask, __ATOMIC_ACQ_REL);
  const std::uint64_t handle = __atomic_exchange_n(second_word(timer), 0, __ATOMIC_ACQ_REL);
  const std::uint32_t node = node_of(handle, timer);
  if (node != kNoNode) release(node);
  return handle != 0 ? 1 : 0;
}

unsigned Timers::run_due(std::uint64_t now_ns, unsigned most, ExecEnv& env) noexcept {
  unsigned called = 0;
  DueTimer due;
  for (; called < most && next_due(now_ns, due); ++called) {
    if (env.clock.is_virtual) env.clock.virtual_ns = std::max(env.clock.virtual_ns, due.deadline);
    env.frame = nullptr;
    due.callback->enter(reinterpret_cast<std::uint64_t>(due.map), reinterpret_cast<std::uint64_t>(due.key),
                        reinterpret_cast<std::uint64_t>(due.value), &env, due.callback);
  }
  env.frame = nullptr;
  done();
  return called;
}

bool Timers::next_due(std::uint64_t now_ns, DueTimer& due) noexcept {
  done();
  while (armed_ != 0) {
    const std::uint32_t node = heap_[0];
    due.deadline = nodes_[node].deadline;
    if (due.deadline > now_ns) return false;
    std::byte* const timer = nodes_[node].timer;
    std::uint64_t handle = handle_of(node);
    release(node);
    // Cancelled, freed or armed anew elsewhere: then the word does not name the node.
    const bool is_armed =
        __atomic_compare_exchange_n(second_word(timer), &handle, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    if (!is_armed || !fill(timer, due)) continue;
    running_ = timer;
    return true;
  }
  return false;
}

// False when it was freed or cancelled meanwhile.
bool Timers::fill(std::byte* timer, DueTimer& due) const noexcept {
  const std::uint64_t word = load(first_word(timer));
  due.callback = registry_.callback(callback_in(word));
  due.map = registry_.map(map_in(word));
  if (due.callback == nullptr || due.map == nullptr) return false;
  const MapSpec& spec = due.map->spec();
  due.value = timer - spec.special.timer;
  if (spec.type == MapType::kArray) {
    const auto& view = *static_cast<const ArrayView*>(due.map->view());
    due.index = static_cast<std::uint32_t>((reinterpret_cast<std::uint8_t*>(due.value) - view.values) / view.stride);
    due.key = reinterpret_cast<const std::byte*>(&due.index);
  } else {
    due.key = due.value - ((spec.key_size + 7) & ~7U);  // it lies before its value (vm/maps/hash_view.h)
  }
  return true;
}

std::uint64_t Timers::handle_of(std::uint32_t node) const noexcept {
  return (std::uint64_t{nodes_[node].generation} << kGenerationShift) | (std::uint64_t{worker_} << kWorkerShift) |
         (node + 1);
}

std::uint32_t Timers::node_of(std::uint64_t handle, const std::byte* timer) const noexcept {
  const std::uint64_t number = handle & kNodeMask;
  if (number == 0 || number > nodes_.size()) return kNoNode;
  const auto node = static_cast<std::uint32_t>(number - 1);
  const bool is_it = nodes_[node].place != 0 && nodes_[node].timer == timer && handle_of(node) == handle;
  return is_it ? node : kNoNode;
}

std::uint32_t Timers::take_node() noexcept {
  if (armed_ == nodes_.size() && !reclaim()) return kNoNode;
  const std::uint32_t node = free_[nodes_.size() - armed_ - 1];
  nodes_[node].generation = (nodes_[node].generation + 1) & kGenerationMask;
  return node;
}

// Looks at some nodes for one whose timer was freed, cancelled or armed by another worker.
bool Timers::reclaim() noexcept {
  for (unsigned step = 0; step < kReclaimSteps; ++step) {
    const std::uint32_t node = hand_;
    hand_ = hand_ + 1 == nodes_.size() ? 0 : hand_ + 1;
    if (nodes_[node].place == 0 || load(second_word(nodes_[node].timer)) == handle_of(node)) continue;
    release(node);
    return true;
  }
  return false;
}

// Out of the heap, and free.
void Timers::release(std::uint32_t node) noexcept {
  const std::uint32_t place = nodes_[node].place;
  const std::uint32_t last = heap_[armed_ - 1];
  nodes_[node].place = 0;
  free_[nodes_.size() - armed_] = node;
  --armed_;
  if (last == node) return;
  put(place, last);
  sift_up(place);
  sift_down(nodes_[last].place);
}

bool Timers::earlier(std::uint32_t a, std::uint32_t b) const noexcept {
  const Node& left = nodes_[a];
  const Node& right = nodes_[b];
  return left.deadline != right.deadline ? left.deadline < right.deadline : left.sequence < right.sequence;
}

void Timers::put(std::uint32_t place, std::uint32_t node) noexcept {
  heap_[place - 1] = node;
  nodes_[node].place = place;
}

void Timers::sift_up(std::uint32_t place) noexcept {
  while (place > 1 && earlier(heap_[place - 1], heap_[place / 2 - 1])) {
    const std::uint32_t moved = heap_[place - 1];
    put(place, heap_[place / 2 - 1]);
    put(place / 2, moved);
    place /= 2;
  }
}

void Timers::sift_down(std::uint32_t place) noexcept {
  for (std::uint32_t child = place * 2; child <= armed_; child = place * 2) {
    if (child < armed_ && earlier(heap_[child], heap_[child - 1])) ++child;
    if (!earlier(heap_[child - 1], heap_[place - 1])) return;
    const std::uint32_t moved = heap_[place - 1];
    put(place, heap_[child - 1]);
    put(child, moved);
    place = child;
  }
}

LocalTimers::LocalTimers(std::span<const std::shared_ptr<Map>> maps) {
  std::vector<Map*> plain;
  for (const std::shared_ptr<Map>& map : maps) {
    if (map != nullptr) plain.push_back(map.get());
  }
  registry_ = std::make_unique<TimerRegistry>(plain);
  if (!registry_->empty()) timers_.emplace(*registry_, 0, Timers::room_for(*registry_));
}

}  // namespace sluice::vm
