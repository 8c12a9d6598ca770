// Deletes each rule of verifier/require in turn: the cases that break it must then be judged otherwise, or else nothing
// would tell when somebody loses the rule.
#include <cstdio>
#include <vector>

#include <gtest/gtest.h>

#include "tests/verifier/case.h"
#include "tests/verifier/judge.h"

namespace sluice::verifier {
namespace {

using testing_support::case_names;
using testing_support::deviation;
using testing_support::judge;
using testing_support::read_case;
using testing_support::rule_called;
using testing_support::VerifierCase;

std::vector<VerifierCase> refused_cases() {
  std::vector<VerifierCase> cases;
  for (const auto& name : case_names("reject")) cases.push_back(read_case("reject", name));
  return cases;
}

TEST(Mutation, DeletingAnyRuleIsNoticedByACaseThatNamesIt) {
  const std::vector<VerifierCase> cases = refused_cases();
  for (std::size_t row = 0; row < requirements().size(); ++row) {
    const RuleSet mutilated = RuleSet::without(static_cast<Rule>(row));
    std::size_t guards = 0;
    std::string first;
    for (const VerifierCase& one : cases) {
      if (one.rule != requirements()[row].name || deviation(one, judge(one, {}, mutilated)).empty()) continue;
      if (guards++ == 0) first = one.name;
    }
    EXPECT_GT(guards, 0U) << "nobody guards row " << requirements()[row].name;
    std::printf("%-18s noticed by %zu: %s%s\n", std::string(requirements()[row].name).c_str(), guards, first.c_str(),
                guards > 1 ? " .." : "");
  }
}

// A case whose refusal survives is stopped by another rule than it says.
TEST(Mutation, EveryCaseIsRefusedByTheVeryRuleItNames) {
  for (const VerifierCase& one : refused_cases()) {
    const auto rule = rule_called(one.rule);
    if (!rule) continue;  // rule: none
    EXPECT_NE(deviation(one, judge(one, {}, RuleSet::without(*rule))), "") << one.name;
  }
}

// Rules only ever refuse: without one, nothing that was accepted is refused.
TEST(Mutation, DeletingARuleRefusesNoAcceptedCase) {
  for (const auto& name : case_names("accept")) {
    const VerifierCase one = read_case("accept", name);
    for (std::size_t row = 0; row < requirements().size(); ++row) {
      EXPECT_TRUE(judge(one, {}, RuleSet::without(static_cast<Rule>(row))).accepted())
          << name << " without " << requirements()[row].name;
    }
  }
}

}  // namespace
}  // namespace sluice::verifier
