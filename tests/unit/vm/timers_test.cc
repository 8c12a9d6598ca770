// Timers without engines: what is due, in what order, who owns it, and what becomes of it when its element goes.
#include "vm/timers.h"

#include <array>
#include <cerrno>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "vm/maps/map.h"

namespace sluice::vm {
namespace {

constexpr std::uint32_t kEntries = 64;
constexpr std::int32_t kTimerAt = 8;
constexpr std::uint64_t kMonotonic = 1;

struct Value {
  std::uint64_t calls;
  std::array<std::uint64_t, 2> timer;
  std::uint64_t last;  // when it was called last
};

std::vector<std::uint32_t>& called() {
  static std::vector<std::uint32_t> keys;
  return keys;
}

// What a timer calls: notes key and time in the value and in `called`.
void note(std::uint64_t map, std::uint64_t key, std::uint64_t value, ExecEnv* env,
          const TimerCallback* callback) noexcept {
  auto& at = *reinterpret_cast<Value*>(value);
  at.calls += callback->function;
  at.last = env->clock.now_ns();
  const std::uint32_t number = *reinterpret_cast<const std::uint32_t*>(key);
  EXPECT_EQ(reinterpret_cast<Map*>(map)->lookup(reinterpret_cast<const std::byte*>(&number), 0),
            reinterpret_cast<std::byte*>(value));
  called().push_back(number);
}
// Arms itself for at once.
void again(std::uint64_t /*map*/, std::uint64_t /*key*/, std::uint64_t value, ExecEnv* env,
           const TimerCallback* /*callback*/) noexcept {
  reinterpret_cast<Value*>(value)->calls += 1;
  env->timers->start(reinterpret_cast<std::byte*>(value) + kTimerAt, 0, 0, env->clock);
}

class TimersTest : public ::testing::TestWithParam<MapType> {
 protected:
  TimersTest() { called().clear(); }

  static std::shared_ptr<Map> make(MapType type) {
    return std::move(*make_map({.name = "timed",
                                .type = type,
                                .value_size = sizeof(Value),
                                .max_entries = kEntries,
                                .special = {.timer = kTimerAt}},
                               2));
  }
  void put(std::uint32_t key) const {
    const Value zeros{};
    ASSERT_EQ(map_->update(bytes(key), bytes(zeros), UpdateMode::kAny, 0), 0);
  }
  [[nodiscard]] Value& value(std::uint32_t key) const { return *reinterpret_cast<Value*>(map_->lookup(bytes(key), 0)); }
  [[nodiscard]] std::byte* timer(std::uint32_t key) const { return map_->lookup(bytes(key), 0) + kTimerAt; }
  template <typename T>
  static const std::byte* bytes(const T& x) {
    return reinterpret_cast<const std::byte*>(&x);
  }
  // The element `key` with a timer that is made and, at `ns` from now, calls `note`.
  void arm(Timers& timers, std::uint32_t key, std::uint64_t ns) {
    if (map_->lookup(bytes(key), 0) == nullptr) put(key);
    const int made = timers.init(timer(key), *map_, kMonotonic);
    ASSERT_TRUE(made == 0 || made == -EBUSY);
    ASSERT_EQ(timers.set_callback(timer(key), {.enter = note, .function = 1}), 0);
    ASSERT_EQ(timers.start(timer(key), ns, 0, env_.clock), 0);
  }
  unsigned run(Timers& timers, std::uint64_t now, unsigned most = 1000) {
    env_.timers = &timers;
    env_.clock.virtual_ns = std::max(env_.clock.virtual_ns, now);
    return timers.run_due(now, most, env_);
  }

  std::shared_ptr<Map> map_ = make(GetParam());
  std::array<Map*, 1> maps_{map_.get()};
  TimerRegistry registry_{maps_};
  ExecEnv env_{.clock = {.is_virtual = true, .virtual_ns = 0}};
};
INSTANTIATE_TEST_SUITE_P(Maps, TimersTest, ::testing::Values(MapType::kArray, MapType::kHash, MapType::kLruHash),
                         [](const auto& info) { return std::string(map_type_name(info.param)); });

TEST_P(TimersTest, CallTheEarliestFirstAndThoseArmedFirst) {
  Timers timers(registry_, 0, 8);
  arm(timers, 1, 30);
  arm(timers, 2, 10);
  arm(timers, 3, 20);
  arm(timers, 4, 10);
  EXPECT_EQ(run(timers, 9), 0U);
  EXPECT_EQ(run(timers, 20), 3U);
  EXPECT_EQ(called(), (std::vector<std::uint32_t>{2, 4, 3}));
  EXPECT_TRUE(timers.any());
  EXPECT_EQ(run(timers, 1000), 1U);
  EXPECT_FALSE(timers.any());
  EXPECT_EQ(run(timers, 1000), 0U) << "once";
}

TEST_P(TimersTest, SeeTheirOwnTimeOnAVirtualClock) {
  Timers timers(registry_, 0, 8);
  arm(timers, 1, 30);
  arm(timers, 2, 10);
  env_.timers = &timers;
  EXPECT_EQ(timers.run_due(100, 10, env_), 2U);
  EXPECT_EQ(value(2).last, 10U);
  EXPECT_EQ(value(1).last, 30U);
}

TEST_P(TimersTest, ArmedAgainHaveTheLastTime) {
  Timers timers(registry_, 0, 1);
  for (unsigned i = 0; i < 100; ++i) arm(timers, 1, 100 + i);
  EXPECT_EQ(run(timers, 198), 0U);
  EXPECT_EQ(run(timers, 199), 1U);
  EXPECT_EQ(value(1).calls, 1U);
}

TEST_P(TimersTest, EndWithTheirElement) {
  Timers timers(registry_, 0, 8);
  arm(timers, 1, 10);
  arm(timers, 2, 10);
  put(1);  // another value in its place
  if (GetParam() != MapType::kArray) {
    const std::uint32_t key = 2;
    EXPECT_EQ(map_->erase(bytes(key)), 0);
    put(2);
  } else {
    put(2);
  }
  EXPECT_EQ(timers.start(timer(1), 0, 0, env_.clock), -EINVAL);
  EXPECT_EQ(timers.cancel(timer(2)), -EINVAL);
  EXPECT_EQ(run(timers, 100), 0U);
  EXPECT_TRUE(called().empty());
  EXPECT_EQ(timers.init(timer(1), *map_, kMonotonic), 0);
  EXPECT_EQ(timers.cancel(timer(1)), 0) << "a new one";
}

// Elements that are written by the control path, too.
TEST_P(TimersTest, EndWithAWriteOfTheControlPath) {
  Timers timers(registry_, 0, 8);
  arm(timers, 1, 10);
  const std::uint32_t key = 1;
  const Value zeros{};
  ASSERT_EQ(map_->write(bytes(key), bytes(zeros), UpdateMode::kAny), 0);
  EXPECT_EQ(run(timers, 100), 0U);
}

// More keys than an LRU map has room for: who goes takes its timer along.
TEST_P(TimersTest, EndWithAnElementThatIsEvicted) {
  if (GetParam() != MapType::kLruHash) return;  // nothing is evicted
  Timers timers(registry_, 0, 4 * kEntries);
  for (std::uint32_t key = 0; key < 3 * kEntries; ++key) arm(timers, key, 10);
  EXPECT_EQ(run(timers, 100), kEntries);
}

TEST_P(TimersTest, ThatAreFullSayNoUntilOneIsDoneOrGone) {
  Timers timers(registry_, 0, 3);
  for (std::uint32_t key = 0; key < 3; ++key) arm(timers, key, 10 + key);
  put(3);
  ASSERT_EQ(timers.init(timer(3), *map_, kMonotonic), 0);
  ASSERT_EQ(timers.set_callback(timer(3), {.enter = note, .function = 1}), 0);
  EXPECT_EQ(timers.start(timer(3), 50, 0, env_.clock), -ENOMEM);
  EXPECT_EQ(timers.cancel(timer(3)), 0) << "it was not armed";
  ASSERT_EQ(timers.set_callback(timer(3), {.enter = note, .function = 1}), 0);
  put(1);  // what was armed is void
  EXPECT_EQ(timers.start(timer(3), 50, 0, env_.clock), 0);
  EXPECT_EQ(run(timers, 100), 3U);
  EXPECT_EQ(called(), (std::vector<std::uint32_t>{0, 2, 3}));
}

TEST_P(TimersTest, BelongToTheWorkerThatArmedThemLast) {
  Timers one(registry_, 0, 8);
  Timers two(registry_, 1, 8);
  arm(one, 1, 10);
  ASSERT_EQ(two.start(timer(1), 20, 0, env_.clock), 0);
  EXPECT_EQ(run(one, 100), 0U);
  EXPECT_EQ(run(two, 15), 0U);
  EXPECT_EQ(run(two, 20), 1U);
  arm(one, 2, 10);
  EXPECT_EQ(two.cancel(timer(2)), 1) << "by another worker";
  EXPECT_EQ(run(one, 100), 0U);
  arm(one, 3, 10);
  ASSERT_EQ(two.start(timer(3), 20, 0, env_.clock), 0);
  ASSERT_EQ(one.start(timer(3), 30, 0, env_.clock), 0);
  EXPECT_EQ(run(two, 200), 0U);
  EXPECT_EQ(run(one, 200), 1U);
}

TEST_P(TimersTest, ThatArmThemselvesStopAtTheBound) {
  Timers timers(registry_, 0, 8);
  arm(timers, 1, 0);
  ASSERT_EQ(timers.set_callback(timer(1), {.enter = again}), 0);
  EXPECT_EQ(run(timers, 5, 7), 7U);
  EXPECT_EQ(value(1).calls, 7U);
  EXPECT_TRUE(timers.any());
}

TEST_P(TimersTest, OfADroppedWorkerAreNotArmed) {
  {
    Timers timers(registry_, 0, 8);
    arm(timers, 1, 10);
  }
  Timers next(registry_, 0, 8);
  EXPECT_EQ(next.cancel(timer(1)), 0);
}

TEST_P(TimersTest, AreNewToANewRegistry) {
  Timers timers(registry_, 0, 8);
  arm(timers, 1, 10);
  TimerRegistry other(maps_);
  EXPECT_EQ(timers.start(timer(1), 10, 0, env_.clock), -EINVAL);
  EXPECT_EQ(run(timers, 100), 0U);
}

TEST_P(TimersTest, OfUnknownMapsAreRefused) {
  Timers timers(registry_, 0, 8);
  const auto other = make(MapType::kArray);
  EXPECT_EQ(timers.init(timer(1), *other, kMonotonic), -EOPNOTSUPP);
}

TEST_P(TimersTest, CallbacksHaveRoomForSoManyAndNoMore) {
  Timers timers(registry_, 0, 8);
  put(1);
  ASSERT_EQ(timers.init(timer(1), *map_, kMonotonic), 0);
  for (std::uint64_t i = 0; i < TimerRegistry::kMostCallbacks; ++i) {
    ASSERT_EQ(timers.set_callback(timer(1), {.enter = note, .function = i}), 0);
  }
  EXPECT_EQ(timers.set_callback(timer(1), {.enter = again}), -ENOMEM);
  EXPECT_EQ(timers.set_callback(timer(1), {.enter = note, .function = 5}), 0) << "known";
}

// Against the plainest thing that does the same: a list of all that is armed.
TEST_P(TimersTest, DoWhatASortedListDoes) {
  std::mt19937 random(3);
  Timers timers(registry_, 0, Timers::room_for(registry_));
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> list;  // deadline, order -> key
  const auto drop = [&list](std::uint32_t key) {
    return std::erase_if(list, [key](const auto& entry) { return entry.second == key; });
  };
  for (std::uint32_t key = 0; key < kEntries; ++key) put(key);
  std::uint64_t now = 0;
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    const std::uint32_t key = random() % kEntries;
    switch (random() % 5) {
      case 0:
      case 1: {
        const std::uint64_t ns = random() % 200;
        arm(timers, key, ns);
        drop(key);
        list[{now + ns, step}] = key;
        break;
      }
      case 2: {
        const int expected = value(key).timer[0] == 0 ? -EINVAL : static_cast<int>(drop(key));
        ASSERT_EQ(timers.cancel(timer(key)), expected);
        break;
      }
      case 3:
        put(key);
        drop(key);
        break;
      default: {
        now += random() % 100;
        std::vector<std::uint32_t> expected;
        while (!list.empty() && list.begin()->first.first <= now) {
          expected.push_back(list.begin()->second);
          list.erase(list.begin());
        }
        called().clear();
        ASSERT_EQ(run(timers, now), expected.size());
        ASSERT_EQ(called(), expected);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::vm
