#include "dataplane/pipeline/stats.h"

#include <set>

#include <gtest/gtest.h>

namespace sluice::pipeline {
namespace {

Stats balanced() {
  Stats stats(2, 1);
  stats.ports[0] = {.rx_frames = 5, .rx_bytes = 500};
  stats.ports[1] = {.tx_frames = 4, .tx_bytes = 400};
  stats.clones = 1;
  stats.ingress[0] = {.runs = 4, .verdicts = {0, 1, 0, 0, 3, 0}};
  stats.drops[static_cast<std::size_t>(DropReason::kProgram)] = 1;
  stats.drops[static_cast<std::size_t>(DropReason::kNoPipeline)] = 1;
  return stats;
}

TEST(Stats, EveryDropReasonHasItsOwnNameAndText) {
  std::set<std::string_view> names;
  for (const DropReasonRow& row : drop_reasons()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(name(row.reason), row.name);
    EXPECT_FALSE(row.doc.empty());
  }
}

TEST(Stats, VerdictColumnsHaveNames) {
  EXPECT_EQ(verdict_name(0), "aborted");
  EXPECT_EQ(verdict_name(kInvalidVerdict), "invalid");
  EXPECT_EQ(verdict_name(kVerdictColumns), "");
}

TEST(Stats, BalancedCountersHaveNoImbalance) { EXPECT_EQ(imbalance(balanced()), std::nullopt); }

TEST(Stats, AFrameThatVanishesIsAnImbalance) {
  Stats stats = balanced();
  stats.ports[1].tx_frames -= 1;
  EXPECT_EQ(imbalance(stats), "5 received + 1 cloned, but 3 sent + 2 dropped");
}

TEST(Stats, AFrameWithoutVerdictIsAnImbalance) {
  Stats stats = balanced();
  stats.ingress[0].verdicts[4] -= 1;
  EXPECT_EQ(imbalance(stats), "5 received, but 3 verdicts and 1 frames no program saw");
}

TEST(Stats, WorkersAddUp) {
  Stats sum = balanced();
  sum += balanced();
  EXPECT_EQ(sum.rx(), 10U);
  EXPECT_EQ(sum.tx(), 8U);
  EXPECT_EQ(sum.dropped(), 4U);
  EXPECT_EQ(sum.clones, 2U);
  EXPECT_EQ(sum.ingress[0].runs, 8U);
  EXPECT_EQ(sum.ports[1].tx_bytes, 800U);
  EXPECT_EQ(imbalance(sum), std::nullopt);
}

}  // namespace
}  // namespace sluice::pipeline
