#include "tests/verifier/judge.h"

#include <algorithm>

#include "helpers/table.h"
#include "verifier/proof.h"

namespace sluice::testing_support {

verifier::Outcome judge(const VerifierCase& one, verifier::Options options, verifier::RuleSet rules) {
  options.memory_size = kCaseMemory;
  return verifier::verify_by(rules, one.program, helpers::table(), options);
}

std::string deviation(const VerifierCase& one, const verifier::Outcome& outcome) {
  if (outcome.accepted()) return "it is accepted";
  const verifier::Rejection& refusal = outcome.rejection();
  if (refusal.code != one.code) return "the code is " + refusal.code + ": " + refusal.message;
  if (refusal.message.find(one.message) == std::string::npos) return "the message is: " + refusal.message;
  if (one.in_c && refusal.line != one.line) return "the line is " + std::to_string(refusal.line);
  if (one.insn && refusal.insn != *one.insn) return "the instruction is " + std::to_string(refusal.insn);
  return {};
}

std::optional<verifier::Rule> rule_called(const std::string& name) {
  const auto rows = verifier::requirements();
  const auto row = std::ranges::find(rows, name, &verifier::Requirement::name);
  if (row == rows.end()) return std::nullopt;
  return static_cast<verifier::Rule>(row - rows.begin());
}

std::string case_test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.find('.'));
  std::ranges::replace(name, '-', '_');
  return name + (info.param.ends_with(".c") ? "_c" : "");
}

}  // namespace sluice::testing_support
