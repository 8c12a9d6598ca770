#pragma once
// What the tests of the corpus have in common: a case before the verifier, and whether the answer is the case's.
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/verifier/case.h"
#include "verifier/require.h"
#include "verifier/verifier.h"

namespace sluice::testing_support {

constexpr std::uint64_t kCaseMemory = 64;  // bytes given to cases of type memory; overrides options.memory_size

verifier::Outcome judge(const VerifierCase& one, verifier::Options options = {}, verifier::RuleSet rules = {});

// What `outcome` does not say though the refused case demands it; empty when all is as it should be.
std::string deviation(const VerifierCase& one, const verifier::Outcome& outcome);

std::optional<verifier::Rule> rule_called(const std::string& name);

// A case's file name as a test's name.
std::string case_test_name(const testing::TestParamInfo<std::string>& info);

}  // namespace sluice::testing_support
