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
