#include <ctime>
#include <set>

#include "tests/unit/helpers/support.h"

namespace sluice::helpers::testing {
namespace {

class KtimeGetNs : public HelperTest {};

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

TEST_F(KtimeGetNs, IsTheMonotonicClock) {
  std::int64_t before = monotonic_ns();
  for (int i = 0; i < 100; ++i) {
    const std::int64_t now = call();
    EXPECT_GE(now, before);
    before = now;
  }
  EXPECT_LE(before, monotonic_ns());
}

TEST_F(KtimeGetNs, StandsStillUnlessReplayMovesTheVirtualClock) {
  env_.clock = {.is_virtual = true, .virtual_ns = 1'700'000'000'123'456'789};
  EXPECT_EQ(call(), 1'700'000'000'123'456'789);
  EXPECT_EQ(call(), 1'700'000'000'123'456'789);
  env_.clock.virtual_ns += 5;
  EXPECT_EQ(call(), 1'700'000'000'123'456'794);
  env_.clock.virtual_ns = 0;
  EXPECT_EQ(call(), 0);
}

// The clocks that are read like ktime_get_ns.
class OtherClock : public HelperTest {
 protected:
  void reads(clockid_t which) {
    const auto now = [which] {
      timespec time{};
      clock_gettime(which, &time);
      return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    };
    std::int64_t before = now();
    for (int i = 0; i < 100; ++i) {
      const std::int64_t got = call();
      EXPECT_GE(got, before);
      before = got;
    }
    EXPECT_LE(before, now());
  }
  void stands_still() {
    env_.clock = {.is_virtual = true, .virtual_ns = 1'700'000'000'123'456'789};
    EXPECT_EQ(call(), 1'700'000'000'123'456'789);
  }
};

class KtimeGetBootNs : public OtherClock {};
TEST_F(KtimeGetBootNs, IsTheClockThatCountsSuspend) { reads(CLOCK_BOOTTIME); }
TEST_F(KtimeGetBootNs, IsTheFramesTimeInReplay) { stands_still(); }

class KtimeGetCoarseNs : public OtherClock {};
TEST_F(KtimeGetCoarseNs, IsTheMonotonicClockAsOfTheLastTick) { reads(CLOCK_MONOTONIC_COARSE); }
TEST_F(KtimeGetCoarseNs, IsTheFramesTimeInReplay) { stands_still(); }

class KtimeGetTaiNs : public OtherClock {};
TEST_F(KtimeGetTaiNs, IsAtomicTime) { reads(CLOCK_TAI); }
TEST_F(KtimeGetTaiNs, IsTheFramesTimeInReplay) { stands_still(); }

class Jiffies64 : public HelperTest {};

TEST_F(Jiffies64, CountsTicksOfFourMilliseconds) {
  constexpr std::int64_t kFirst = 0xfffedb08;
  env_.clock = {.is_virtual = true, .virtual_ns = 0};
  EXPECT_EQ(call(), kFirst);
  env_.clock.virtual_ns = 3'999'999;
  EXPECT_EQ(call(), kFirst);
  env_.clock.virtual_ns = 4'000'000;
  EXPECT_EQ(call(), kFirst + 1);
  env_.clock.virtual_ns = 300'000'000'000;
  EXPECT_EQ(call(), std::int64_t{1} << 32);
}

class GetNumaNodeId : public HelperTest {};

TEST_F(GetNumaNodeId, IsTheNodeOfTheEnvironment) {
  env_.cpu = 9;
  for (const std::uint32_t node : {0U, 1U, 7U}) {
    env_.numa_node = node;
    EXPECT_EQ(call(), node);
  }
}

class GetPrandomU32 : public HelperTest {};

// The first numbers of SplitMix64 with seed 1234567, upper halves, as its authors' program gives them.
TEST_F(GetPrandomU32, IsSplitMix64OfTheSeed) {
  env_.prng.state = 1234567;
  for (const std::uint64_t whole : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U,
                                    4593380528125082431U, 16408922859458223821U}) {
    EXPECT_EQ(call(), static_cast<std::int64_t>(whole >> 32));
  }
}

TEST_F(GetPrandomU32, RepeatsWithTheSeedAndOnlyThen) {
  std::array<std::array<std::int64_t, 50>, 3> runs;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    env_.prng.state = i == 2 ? 43 : 42;
    for (std::int64_t& number : runs[i]) number = call();
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
}

TEST_F(GetPrandomU32, HasThirtyTwoBits) {
  std::uint64_t ones = 0;
  std::uint64_t zeroes = 0;
  for (int i = 0; i < 200; ++i) {
    const auto number = static_cast<std::uint64_t>(call());
    ones |= number;
    zeroes |= ~number;
  }
  EXPECT_EQ(ones, 0xffffffffU);
  EXPECT_EQ(zeroes & 0xffffffff, 0xffffffffU);
}

class GetSmpProcessorId : public HelperTest {};

TEST_F(GetSmpProcessorId, IsTheCpuOfTheEnvironmentNotTheWorkersOwnNumber) {
  env_.worker = 9;
  for (const std::uint32_t cpu : {0U, 1U, 7U, 4096U}) {
    env_.cpu = cpu;
    EXPECT_EQ(call(), cpu);
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
