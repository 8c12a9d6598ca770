// Every program under tests/verifier/accept is accepted, by the kernel as well, with pruning and without; and what was
// accepted never faults and never leaves what the verifier claimed (tests/support/embedding.h).
#include <gtest/gtest.h>

#include "helpers/table.h"
#include "tests/support/embedding.h"
#include "tests/verifier/case.h"
#include "tests/verifier/judge.h"
#include "tests/verifier/kernel.h"

namespace sluice::verifier {
namespace {

using testing_support::Bytes;
using testing_support::case_names;
using testing_support::judge;
using testing_support::read_case;
using testing_support::VerifierCase;

// Every header our programs know, whole and cut off, and as many frames of noise.
const std::vector<Bytes>& frames() {
  static const std::vector<Bytes> all = [] {
    std::vector<Bytes> made = testing_support::random_frames(1, 300);
    for (auto& packet : testing_support::all_packets()) made.push_back(std::move(packet.bytes));
    return made;
  }();
  return all;
}

std::string words(const VerifierCase& one, const Outcome& outcome) {
  return outcome.accepted() ? std::string{} : render(outcome.rejection(), one.program);
}

class Accept : public testing::TestWithParam<std::string> {
 protected:
  const VerifierCase one = read_case("accept", GetParam());
};

TEST_P(Accept, IsAcceptedWithPruningAndWithout) {
  for (const bool prune : {true, false}) {
    const Outcome outcome = judge(one, {.prune = prune});
    EXPECT_TRUE(outcome.accepted()) << one.why << ", pruning " << prune << '\n' << words(one, outcome);
  }
}

TEST_P(Accept, NeverFaultsAndStaysInsideWhatWasClaimed) {
  for (const Options& options : {Options{}, Options{.record_claims = true}, Options{.prune = false}}) {
    Outcome outcome = judge(one, options);
    ASSERT_TRUE(outcome.accepted()) << words(one, outcome);
    const vm::VerifiedProgram program = std::move(outcome).take();
    EXPECT_EQ(testing_support::violation(program, helpers::table(), frames(), 7), "")
        << "claims " << options.record_claims << ", pruning " << options.prune;
  }
}

TEST_P(Accept, IsAcceptedByTheKernelTooOrSaysWhyNot) {
  std::string why;
  if (!testing_support::kernel_available(why)) GTEST_SKIP() << why;
  const auto verdict = testing_support::kernel_verdict(one.program);
  if (one.kernel.starts_with("refuses, because")) {
    EXPECT_FALSE(verdict.accepted) << "the kernel takes it, the case says it does not";
  } else {
    EXPECT_TRUE(one.kernel.empty()) << "not understood: " << one.kernel;
    EXPECT_TRUE(verdict.accepted) << verdict.log;
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, Accept, testing::ValuesIn(case_names("accept")), testing_support::case_test_name);

TEST(Corpus, HoldsEnoughAcceptedPrograms) { EXPECT_GE(case_names("accept").size(), 60U); }

}  // namespace
}  // namespace sluice::verifier
