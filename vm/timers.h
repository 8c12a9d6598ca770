#pragma once
// BPF timers (bpf-helpers(7): bpf_timer_init and its siblings). A timer is the 16 bytes of struct bpf_timer in a map's
// value: two words that only the code here and the maps (clear_timer, vm/maps/value_copy.h) touch. All that a timer is
// lies in them; what a worker keeps of armed timers refers to them and is checked against them when it is due. So
// whoever frees an element or overwrites it clears the words and need not know who armed the timer.
//
// One TimerRegistry serves all workers of a pipeline, each of them has one Timers: a timer runs on the worker that
// armed it, between bursts. Made and dropped by the control thread while no worker runs, before the maps die; all
// memory is had then. The calls of Timers are the worker's: they allocate nothing and make no system call.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vm/exec_env.h"

namespace sluice::vm {

class Map;

constexpr std::uint64_t kTimerAbsolute = 1;  // BPF_F_TIMER_ABS, linux/bpf.h: the time is one of the timer's clock
constexpr std::uint64_t kTimerPinned = 2;    // BPF_F_TIMER_CPU_PIN: nothing to do, timers stay with their worker

// A function that a timer may call, as the engine that set it calls it.
struct TimerCallback {
  using Enter = void (*)(std::uint64_t map, std::uint64_t key, std::uint64_t value, ExecEnv* env,
                         const TimerCallback* callback) noexcept;
  Enter enter = nullptr;
  std::uint64_t function = 0;     // as an lddw of its address gives it: a slot, or an address of machine code
  const void* program = nullptr;  // VerifiedProgram and HelperTable where `function` is a slot; else null
  const void* helpers = nullptr;

  friend bool operator==(const TimerCallback&, const TimerCallback&) = default;
};

// What timers refer to by number, so that it fits into them. Programs, code and maps outlive it.
class TimerRegistry {
 public:
  static constexpr unsigned kMostCallbacks = 1024;

  // Of these maps those with timers count; timers in them are as new afterwards. A map is in one registry at a time.
  explicit TimerRegistry(std::span<Map* const> maps);
  TimerRegistry(const TimerRegistry&) = delete;
  TimerRegistry& operator=(const TimerRegistry&) = delete;

  [[nodiscard]] bool empty() const noexcept { return maps_.empty(); }
  // Timers that can be armed at once: the entries of all maps with timers.
  [[nodiscard]] std::uint64_t timers() const noexcept;

  // Numbers from 1; 0 = unknown map, or no room for one more callback. Any worker.
  [[nodiscard]] std::uint32_t number_of(const Map& map) const noexcept;
  [[nodiscard]] std::uint32_t number_of(const TimerCallback& callback) noexcept;
  // Null when there is no such number.
  [[nodiscard]] Map* map(std::uint32_t number) const noexcept;
  [[nodiscard]] const TimerCallback* callback(std::uint32_t number) const noexcept;

 private:
  [[nodiscard]] std::uint32_t find(const TimerCallback& callback, std::uint32_t count) const noexcept;

  std::vector<Map*> maps_;
  std::array<TimerCallback, kMostCallbacks> callbacks_;
  std::uint32_t count_ = 0;  // of callbacks_; stored with release order once an entry is whole
  std::uint32_t lock_ = 0;   // who adds one
};

// A timer that is due, for whoever calls the function in a way of their own. `key` may point into it: it stays in
// place.
struct DueTimer {
  std::uint64_t deadline = 0;  // ns
  Map* map = nullptr;
  const std::byte* key = nullptr;
  std::byte* value = nullptr;
  const TimerCallback* callback = nullptr;
  std::uint32_t index = 0;  // key of an array
};

class Timers {
 public:
  static constexpr std::uint32_t kMostArmed = 1U << 20;

  // `worker` is this worker's alone, below 1024. Room for `armed` timers (1 .. kMostArmed) that are armed here.
  Timers(TimerRegistry& registry, std::uint32_t worker, std::uint32_t armed);
  // What is still armed is so no more.
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;
  // The room that no program can exhaust, as far as kMostArmed allows.
  [[nodiscard]] static std::uint32_t room_for(const TimerRegistry& registry) noexcept;

  // --- the helpers; `timer` is the struct bpf_timer in a value of a map of the registry. 0 or -errno as
  // bpf-helpers(7) has it; -ENOMEM when there is no room. ---
  int init(std::byte* timer, const Map& map, std::uint64_t flags) noexcept;
  int set_callback(std::byte* timer, const TimerCallback& callback) noexcept;
  int start(std::byte* timer, std::uint64_t ns, std::uint64_t flags, const Clock& clock) noexcept;
  int cancel(std::byte* timer) noexcept;

  [[nodiscard]] bool any() const noexcept { return armed_ != 0; }
  // Calls what is due at `now_ns` (CLOCK_MONOTONIC or virtual), the earliest first and at most `most`: callbacks may
  // arm timers that are due at once. A virtual clock shows each the time it was armed for. How many were called; the
  // environment's frame is null afterwards.
  unsigned run_due(std::uint64_t now_ns, unsigned most, ExecEnv& env) noexcept;
  // The next one that is due, which is armed no more and from now on the one that runs; false when there is none. Then,
  // or by `done`, the one before has run.
  bool next_due(std::uint64_t now_ns, DueTimer& due) noexcept;
  void done() noexcept { running_ = nullptr; }

 private:
  // An armed timer. Stale when the timer's second word does not name it any more.
  struct Node {
    std::uint64_t deadline = 0;  // ns
    std::uint64_t sequence = 0;  // orders equal deadlines
    std::byte* timer = nullptr;
    std::uint32_t generation = 0;  // of the node's uses, so that old words do not name a new use
    std::uint32_t place = 0;       // in heap_, from 1; 0 = the node is free
  };

  [[nodiscard]] std::uint64_t handle_of(std::uint32_t node) const noexcept;
  // The node that `handle` names when it is one of this worker's that stands for `timer`; else kNoNode.
  [[nodiscard]] std::uint32_t node_of(std::uint64_t handle, const std::byte* timer) const noexcept;
  [[nodiscard]] std::uint32_t take_node() noexcept;
  bool reclaim() noexcept;
  void release(std::uint32_t node) noexcept;
  [[nodiscard]] bool earlier(std::uint32_t a, std::uint32_t b) const noexcept;
  void put(std::uint32_t place, std::uint32_t node) noexcept;
  void sift_up(std::uint32_t place) noexcept;
  void sift_down(std::uint32_t place) noexcept;
  bool fill(std::byte* timer, DueTimer& due) const noexcept;

  TimerRegistry& registry_;
  std::uint32_t worker_;
  std::uint32_t armed_ = 0;  // nodes in use
  std::uint32_t hand_ = 0;   // node that reclaim looks at next
  std::uint64_t sequence_ = 0;
  const std::byte* running_ = nullptr;  // the timer whose callback runs
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> heap_;  // [0, armed_): nodes, the earliest first
  std::vector<std::uint32_t> free_;  // [0, size - armed_): nodes
};

// Both for who runs programs in one thread: none when no map has timers. The maps outlive it.
class LocalTimers {
 public:
  explicit LocalTimers(std::span<const std::shared_ptr<Map>> maps);
  [[nodiscard]] Timers* get() noexcept { return timers_ ? &*timers_ : nullptr; }

 private:
  std::unique_ptr<TimerRegistry> registry_;
  std::optional<Timers> timers_;
};

}  // namespace sluice::vm
