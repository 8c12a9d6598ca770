// The same programs on the same frames and maps, in the running kernel and here: verdict, bytes, metadata and map
// contents must be equal on every engine.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/kernel/setups.h"

namespace sluice::kernel {
namespace {

std::string hex(const Bytes& bytes) {
  std::string text;
  for (const std::byte b : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
  return text;
}

std::string describe(const Outcome& outcome) {
  if (!outcome.ran) return "refused";
  return fmt::format("verdict {} size {} meta {} frame {}", outcome.verdict, outcome.frame.size(),
                     hex(outcome.metadata), hex(outcome.frame).substr(0, 160));
}

// Blanks what holds a clock, in every CPU's value.
void blank(Contents& contents, const std::vector<Case::Clock>& clocks, std::size_t stride) {
  for (const Case::Clock& clock : clocks) {
    for (auto& [key, value] : contents[clock.map]) {
      for (std::size_t at = clock.offset; at + clock.size <= value.size(); at += stride) {
        std::fill_n(value.begin() + static_cast<std::ptrdiff_t>(at), clock.size, std::byte{0});
      }
    }
  }
}

void compare(Contents ours, Contents theirs, const Case& c) {
  blank(ours, c.clocks, 16);  // all values with clocks have 16 bytes
  blank(theirs, c.clocks, 16);
  for (const auto& [name, entries] : theirs) {
    ASSERT_TRUE(ours.contains(name)) << name;
    const auto& mine = ours.at(name);
    if (mine == entries) continue;  // the words below are dear
    ASSERT_EQ(mine.size(), entries.size()) << "entries of " << name;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      ASSERT_EQ(hex(mine[i].first), hex(entries[i].first)) << name << " entry " << i;
      ASSERT_EQ(hex(mine[i].second), hex(entries[i].second)) << name << " key " << hex(mine[i].first);
    }
  }
}

void run_case(const Case& c, pipeline::Engine engine, CoverageMap* coverage) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  pin_to_cpu0();
  auto kernel = kernel_side(c.setup);
  ASSERT_TRUE(kernel) << kernel.error().message;
  auto sluice = sluice_side(c.setup, engine, coverage);
  ASSERT_TRUE(sluice) << sluice.error().message;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const auto& [metadata, frame] = c.inputs[i];
    const Outcome theirs = (*kernel)->run(metadata, frame);
    const Outcome ours = (*sluice)->run(metadata, frame);
    ASSERT_TRUE(ours == theirs) << "frame " << i << " " << hex(frame).substr(0, 120) << " of " << frame.size()
                                << "\n  kernel: " << describe(theirs) << "\n  sluice: " << describe(ours);
    if (i % c.contents_every != 0) continue;
    compare((*sluice)->contents(false), (*kernel)->contents(false), c);
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "after frame " << i << " " << hex(frame).substr(0, 120);
  }
  compare((*sluice)->contents(true), (*kernel)->contents(true), c);
}

class Parity : public testing::TestWithParam<Case> {};

TEST_P(Parity, OfTheInterpreter) { run_case(GetParam(), pipeline::Engine::kInterp, nullptr); }
TEST_P(Parity, OfTheJit) { run_case(GetParam(), pipeline::Engine::kJit, nullptr); }

INSTANTIATE_TEST_SUITE_P(With, Parity, testing::ValuesIn(all_cases()),
                         [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

}  // namespace
}  // namespace sluice::kernel
