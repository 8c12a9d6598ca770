// Every program under tests/verifier/reject breaks the rule it names: refused with that code, at that place, with
// pruning and without, and by the kernel as well.
#include <gtest/gtest.h>

#include "tests/verifier/case.h"
#include "tests/verifier/judge.h"
#include "tests/verifier/kernel.h"
#include "verifier/require.h"
#include "verifier/verifier.h"

namespace sluice::verifier {
namespace {

using testing_support::case_names;
using testing_support::deviation;
using testing_support::judge;
using testing_support::read_case;
using testing_support::rule_called;
using testing_support::VerifierCase;

class Reject : public testing::TestWithParam<std::string> {};

TEST_P(Reject, IsRefusedWithItsCodeAtItsPlace) {
  const VerifierCase one = read_case("reject", GetParam());
  const Outcome outcome = judge(one);
  EXPECT_EQ(deviation(one, outcome), "") << one.why
                                         << (outcome.accepted() ? "" : "\n" + render(outcome.rejection(), one.program));
  if (one.rule == "none") return;
  const auto rule = rule_called(one.rule);
  ASSERT_TRUE(rule) << "there is no rule " << one.rule;
  EXPECT_EQ(requirements()[static_cast<std::size_t>(*rule)].code, one.code);
  EXPECT_TRUE(GetParam().starts_with(one.rule)) << "the file's name begins with the rule";
}

TEST_P(Reject, IsRefusedTheSameWayWithoutPruning) {
  const VerifierCase one = read_case("reject", GetParam());
  EXPECT_EQ(deviation(one, judge(one, {.prune = false})), "");
}

TEST_P(Reject, IsRefusedByTheKernelTooOrSaysWhyNot) {
  const VerifierCase one = read_case("reject", GetParam());
  if (one.kernel.starts_with("none, because")) {
    EXPECT_EQ(one.program.type->context, vm::ContextKind::kMemory) << "the kernel can judge programs that get frames";
    return;
  }
  std::string why;
  if (!testing_support::kernel_available(why)) GTEST_SKIP() << why;
  const auto verdict = testing_support::kernel_verdict(one.program);
  EXPECT_FALSE(verdict.log.starts_with("the kernel refuses the map")) << verdict.log;
  if (one.kernel.starts_with("accepts, because")) {
    EXPECT_TRUE(verdict.accepted) << verdict.log;
  } else {
    EXPECT_TRUE(one.kernel.empty()) << "not understood: " << one.kernel;
    EXPECT_FALSE(verdict.accepted) << "the kernel takes it; the case must say why";
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, Reject, testing::ValuesIn(case_names("reject")), testing_support::case_test_name);

TEST(Corpus, HoldsEnoughRefusedPrograms) { EXPECT_GE(case_names("reject").size(), 70U); }

}  // namespace
}  // namespace sluice::verifier
