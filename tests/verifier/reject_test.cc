// Every program under tests/verifier/reject breaks the rule it names: refused with that code, at that place, by the
// kernel as well; and every rule of verifier/require is guarded by one of them.
#include <cstdio>

#include <gtest/gtest.h>

#include "helpers/table.h"
#include "tests/verifier/case.h"
#include "tests/verifier/kernel.h"
#include "verifier/require.h"
#include "verifier/verifier.h"

namespace sluice::verifier {
namespace {

using testing_support::case_names;
using testing_support::read_case;
using testing_support::VerifierCase;

constexpr std::uint64_t kMemorySize = 64;  // bytes given to programs of type memory

Outcome judge(const VerifierCase& one, std::uint64_t mutated = 0) {
  Options options;
  options.mutated_requirements = mutated;
  options.memory_size = kMemorySize;
  return verify(one.program, helpers::table(), options);
}

// What `outcome` does not say though the case demands it; empty when all is as it should be.
std::string deviation(const VerifierCase& one, const Outcome& outcome) {
  if (outcome.accepted()) return "it is accepted";
  const Rejection& refusal = outcome.rejection();
  if (refusal.code != one.code) return "the code is " + refusal.code + ": " + refusal.message;
  if (refusal.message.find(one.message) == std::string::npos) return "the message is: " + refusal.message;
  if (one.in_c && refusal.line != one.line) return "the line is " + std::to_string(refusal.line);
  if (one.insn && refusal.insn != *one.insn) return "the instruction is " + std::to_string(refusal.insn);
  return {};
}

std::optional<std::size_t> row_of(const std::string& rule) {
  for (std::size_t i = 0; i < requirements().size(); ++i) {
    if (requirements()[i].name == rule) return i;
  }
  return std::nullopt;
}

class Reject : public testing::TestWithParam<std::string> {};

TEST_P(Reject, IsRefusedWithItsCodeAtItsPlace) {
  const VerifierCase one = read_case("reject", GetParam());
  const Outcome outcome = judge(one);
  EXPECT_EQ(deviation(one, outcome), "") << one.why
                                         << (outcome.accepted() ? "" : "\n" + render(outcome.rejection(), one.program));
  if (one.rule == "none") return;
  const auto row = row_of(one.rule);
  ASSERT_TRUE(row) << "there is no rule " << one.rule;
  EXPECT_EQ(requirements()[*row].code, one.code);
  EXPECT_TRUE(GetParam().starts_with(one.rule)) << "the file's name begins with the rule";
}

TEST_P(Reject, IsRefusedByTheKernelTooOrSaysWhyNot) {
  const VerifierCase one = read_case("reject", GetParam());
  if (one.kernel.starts_with("none, because")) GTEST_SKIP() << "the kernel does not judge this: " << one.kernel;
  std::string why;
  if (!testing_support::kernel_available(why)) GTEST_SKIP() << why;
  const auto verdict = testing_support::kernel_verdict(one.program);
  if (one.kernel.starts_with("accepts, because")) {
    EXPECT_TRUE(verdict.accepted) << verdict.log;
  } else {
    EXPECT_TRUE(one.kernel.empty()) << "not understood: " << one.kernel;
    EXPECT_FALSE(verdict.accepted) << "the kernel takes it; the case must say why";
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.find('.'));
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name + (info.param.ends_with(".c") ? "_c" : "");
}
INSTANTIATE_TEST_SUITE_P(Corpus, Reject, testing::ValuesIn(case_names("reject")), test_name);

TEST(Requirements, SwitchingOffAnyRowIsNoticedByTheCorpus) {
  std::vector<VerifierCase> cases;
  for (const auto& name : case_names("reject")) cases.push_back(read_case("reject", name));
  for (std::size_t row = 0; row < requirements().size(); ++row) {
    std::vector<std::string> guards;
    for (const VerifierCase& one : cases) {
      if (one.rule != requirements()[row].name) continue;
      if (!deviation(one, judge(one, std::uint64_t{1} << row)).empty()) guards.push_back(one.name);
    }
    EXPECT_FALSE(guards.empty()) << "nobody guards row " << requirements()[row].name;
  }
}

TEST(Requirements, EveryCaseThatNamesARuleIsRefusedByThatRow) {
  for (const auto& name : case_names("reject")) {
    const VerifierCase one = read_case("reject", name);
    const auto row = row_of(one.rule);
    if (!row) continue;
    EXPECT_NE(deviation(one, judge(one, std::uint64_t{1} << *row)), "") << name << " is refused by another row as well";
  }
}

TEST(Corpus, HoldsEnoughRefusedPrograms) { EXPECT_GE(case_names("reject").size(), 70U); }

}  // namespace
}  // namespace sluice::verifier
