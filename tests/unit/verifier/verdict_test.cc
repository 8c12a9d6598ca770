// The verdict that each program of verdict_rows_*.cc gets, with pruning and without, and that every demand decides one.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/verifier/cases.h"
#include "tests/unit/verifier/verdict_rows.h"
#include "verifier/require.h"

namespace sluice::verifier {
namespace {

using testing::verdict;
using Row = testing::VerdictRow;

const std::vector<Row>& all_rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> rows;
    for (const auto part : {testing::basics_rows(), testing::packet_rows(), testing::stack_rows(), testing::maps_rows(),
                            testing::flow_rows()}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
  }();
  return all;
}

class Verdict : public ::testing::TestWithParam<Row> {};

TEST_P(Verdict, IsTheExpectedOne) {
  const Row& row = GetParam();
  EXPECT_EQ(verdict(row.text), row.expected);
}

// Demands that only programs of another type or with other helpers run into: options_test has theirs. Those of locks
// timers and records are tests/verifier's: a value's types tell of its lock. So are those of callbacks.
bool decided_elsewhere(Rule rule) {
  constexpr Rule kElsewhere[] = {Rule::kMemoryBounds,   Rule::kHelperAllowed,      Rule::kArgScalar,
                                 Rule::kRecordBounds,   Rule::kSpecialField,       Rule::kArgLock,
                                 Rule::kArgAllocSize,   Rule::kArgRecord,          Rule::kLockOwner,
                                 Rule::kLockCall,       Rule::kLockLeft,           Rule::kReferenceLeft,
                                 Rule::kArgCallback,    Rule::kArgCallbackContext, Rule::kCallbackReturn,
                                 Rule::kCallbackStatic, Rule::kCallbackTailCall,   Rule::kMapKeyBounds,
                                 Rule::kMapKeyWrite,    Rule::kArgAlign,           Rule::kArgString,
                                 Rule::kArgFormat,      Rule::kXdpSocketField,     Rule::kArgTimer,
                                 Rule::kSocketWrite,    Rule::kSocketField,        Rule::kSocketMixed,
                                 Rule::kArgSocket,      Rule::kTimerMap,           Rule::kTimerReturn};
  return std::ranges::find(kElsewhere, rule) != std::ranges::end(kElsewhere);
}

INSTANTIATE_TEST_SUITE_P(Programs, Verdict, ::testing::ValuesIn(all_rows()),
                         [](const auto& info) { return std::string(info.param.name); });

// Each demand is there for a reason: without it some program above gets another verdict.
TEST(Requirements, EveryRowDecidesSomeVerdict) {
  for (std::size_t i = 0; i < requirements().size(); ++i) {
    const auto rules = RuleSet::without(static_cast<Rule>(i));
    bool decides = false;
    for (const Row& row : all_rows()) {
      // A program that the demand does not stop may do so in another place, or not at all: it must only not be the
      // same.
      if (row.expected == requirements()[i].code)
        decides |= verdict(row.text, {}, vm::xdp_type(), rules) != row.expected;
    }
    EXPECT_TRUE(decides || decided_elsewhere(static_cast<Rule>(i))) << requirements()[i].name;
  }
}

TEST(Requirements, ACodeIsExplained) {
  for (const Requirement& row : requirements()) {
    EXPECT_NE(std::ranges::find(all_codes(), row.code, &CodeInfo::code), all_codes().end()) << row.code;
  }
}

// Cutting paths short must not change what is proven.
TEST(Pruning, DoesNotChangeAVerdict) {
  for (const Row& row : all_rows()) {
    if (std::string_view(row.name).starts_with("loop_with_forks")) continue;  // 2^50 paths
    EXPECT_EQ(verdict(row.text, {.prune = false}), row.expected) << row.name;
  }
}

}  // namespace
}  // namespace sluice::verifier
