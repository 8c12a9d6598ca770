// Two workers make, arm, cancel and run timers in the elements of one map while both delete and replace them. Built
// with the thread sanitizer.
#include <array>
#include <atomic>
#include <cerrno>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/vm/maps/cases.h"
#include "vm/timers.h"

namespace sluice::vm::testing {
namespace {

constexpr std::uint32_t kKeys = 8;
constexpr unsigned kTurns = 40'000;

struct alignas(8) Value {
  std::uint64_t calls = 0;
  std::array<std::uint64_t, 2> timer{};
};

const std::byte* bytes(const void* at) { return static_cast<const std::byte*>(at); }

std::atomic<std::uint64_t>& calls() {
  static std::atomic<std::uint64_t> count{0};
  return count;
}

// Takes its own element away every fourth time, else arms itself again every other time.
void ring(std::uint64_t map, std::uint64_t key, std::uint64_t value, ExecEnv* env,
          const TimerCallback* /*callback*/) noexcept {
  const std::uint64_t before = __atomic_fetch_add(&reinterpret_cast<Value*>(value)->calls, 1, __ATOMIC_RELAXED);
  auto* const timer = reinterpret_cast<std::byte*>(value) + offsetof(Value, timer);
  EXPECT_LE(env->timers->cancel(timer), 0);  // from within: refused, or it is another one's by now
  std::uint32_t own = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(key), __ATOMIC_RELAXED);
  if (before % 4 == 3) {
    reinterpret_cast<Map*>(map)->erase(bytes(&own));
  } else if (before % 2 == 0) {
    env->timers->start(timer, 5, 0, env->clock);
  }
  calls().fetch_add(1, std::memory_order_relaxed);
}

class TimersUnderThreads : public ::testing::TestWithParam<MapType> {
 protected:
  void turn(Timers& timers, ExecEnv& env, std::mt19937& random) {
    const std::uint32_t key = random() % kKeys;
    std::byte* const value = map_->lookup(bytes(&key), env.cpu);
    std::byte* const timer = value == nullptr ? nullptr : value + offsetof(Value, timer);
    const unsigned what = random() % 8;
    if (what == 0 || value == nullptr) {
      const Value fresh;
      map_->update(bytes(&key), bytes(&fresh), UpdateMode::kAny, env.cpu);
    } else if (what == 1 && GetParam() == MapType::kHash) {
      map_->erase(bytes(&key));
    } else if (what == 2) {
      const int result = timers.cancel(timer);
      EXPECT_TRUE(result == 0 || result == 1 || result == -EINVAL) << result;
    } else if (what < 6) {
      timers.init(timer, *map_, 1);
      timers.set_callback(timer, {.enter = ring});
      const int result = timers.start(timer, random() % 50, 0, env.clock);
      EXPECT_TRUE(result == 0 || result == -EINVAL) << result;
    } else {
      env.clock.virtual_ns += 20;
      timers.run_due(env.clock.virtual_ns, 8, env);
    }
  }

  std::unique_ptr<Map> map_ = std::move(*make_map({.name = "timed",
                                                   .type = GetParam(),
                                                   .value_size = sizeof(Value),
                                                   .max_entries = kKeys,
                                                   .special = {.timer = offsetof(Value, timer)}},
                                                  2));
};
INSTANTIATE_TEST_SUITE_P(Maps, TimersUnderThreads, ::testing::Values(MapType::kHash, MapType::kArray),
                         [](const auto& info) { return std::string(map_type_name(info.param)); });

TEST_P(TimersUnderThreads, NobodyIsCalledWhoseElementIsGone) {
  calls() = 0;
  const std::array<Map*, 1> maps{map_.get()};
  TimerRegistry registry(maps);
  std::array<std::unique_ptr<Timers>, 2> timers;
  std::array<ExecEnv, 2> env;
  for (std::uint32_t worker = 0; worker < 2; ++worker) {
    timers[worker] = std::make_unique<Timers>(registry, worker, Timers::room_for(registry));
    env[worker] = {.cpu = worker, .clock = {.is_virtual = true, .virtual_ns = 0}, .timers = timers[worker].get()};
  }
  const auto work = [&](std::uint32_t worker) {
    std::mt19937 random(worker + 1);
    for (unsigned i = 0; i < kTurns; ++i) turn(*timers[worker], env[worker], random);
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_GT(calls(), 100U);
  for (std::uint32_t key = 0; key < kKeys; ++key) {
    const Value fresh;
    map_->erase(bytes(&key));
    map_->update(bytes(&key), bytes(&fresh), UpdateMode::kAny, 0);
  }
  calls() = 0;
  for (std::uint32_t worker = 0; worker < 2; ++worker) {
    EXPECT_EQ(timers[worker]->run_due(1'000'000'000, 1000, env[worker]), 0U);
    EXPECT_FALSE(timers[worker]->any());
  }
  EXPECT_EQ(calls(), 0U);
}

}  // namespace
}  // namespace sluice::vm::testing
