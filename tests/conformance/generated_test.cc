// Generated cases (generated.h) on every engine: as if the verifier had learnt nothing, and with what it does learn.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/conformance/case.h"
#include "tests/conformance/engines.h"
#include "tests/conformance/generated.h"
#include "tests/support/programs.h"
#include "verifier/verifier.h"

namespace sluice::testing_support {
namespace {

std::vector<std::string_view> rows_with_cases() {
  std::vector<std::string_view> names;
  for (const vm::InsnRow& row : vm::all_rows()) {
    if (!cases_of(row).empty()) names.push_back(row.name);
  }
  return names;
}

const vm::InsnRow& row_named(std::string_view name) {
  for (const vm::InsnRow& row : vm::all_rows()) {
    if (row.name == name) return row;
  }
  std::abort();
}

vm::LoadedProgram loaded(std::vector<vm::Insn> insns) {
  vm::LoadedProgram program;
  program.name = "generated";
  program.type = &vm::memory_type();
  program.insns = std::move(insns);
  program.subprograms = vm::subprograms_of(program.insns);
  return program;
}

// The first case whose bytes are not as the model has them; the others follow from the same program.
void expect_block(const Batch& batch, std::span<const std::byte> block, std::string_view who) {
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (block[i] == batch.after[i]) continue;
    const std::size_t word = i / 8 * 8;
    ADD_FAILURE() << who << ": " << describe(batch.at(i)) << ": word at " << word << " is "
                  << to_hex(block.subspan(word, 8)) << ", not " << to_hex(std::span(batch.after).subspan(word, 8));
    return;
  }
}

void run(const Batch& batch, const Engine& engine, const vm::VerifiedProgram& program, std::string_view how) {
  // A block of its own size: the address sanitizer sees a byte too far.
  const auto block = std::make_unique<std::byte[]>(batch.before.size());
  std::ranges::copy(batch.before, block.get());
  vm::ExecEnv env;
  const EngineResult result = engine.run(program, {block.get(), batch.before.size()}, env);
  ASSERT_EQ(result.error, "") << engine.name;
  EXPECT_EQ(result.r0, 0U);
  expect_block(batch, {block.get(), batch.before.size()}, std::string(engine.name) + " " + std::string(how));
}

class Generated : public testing::TestWithParam<std::string_view> {};

TEST_P(Generated, CasesAgreeWithTheModelOnEveryEngine) {
  for (const Batch& batch : batches(cases_of(row_named(GetParam())))) {
    const vm::VerifiedProgram program = unverified(loaded(memory_program(batch)));
    for (const Engine& engine : engines()) run(batch, engine, program, "knowing nothing");
  }
}

TEST_P(Generated, CasesThatAVerifierTakesAgreeWithWhatItKnows) {
  std::vector<GeneratedCase> cases = cases_of(row_named(GetParam()));
  std::erase_if(cases, [](const GeneratedCase& c) { return c.refused; });
  ASSERT_FALSE(cases.empty());
  for (const Batch& batch : batches(cases)) {
    vm::LoadedProgram program = loaded(memory_program(batch));
    const vm::LoadedProgram shown = program;
    const verifier::Options options{.record_claims = true, .memory_size = batch.before.size()};
    verifier::Outcome outcome = verifier::verify(std::move(program), fake_helpers(), options);
    ASSERT_TRUE(outcome.accepted()) << verifier::render(outcome.rejection(), shown);
    const vm::VerifiedProgram verified = std::move(outcome).take();
    for (const Engine& engine : engines()) run(batch, engine, verified, "with facts");
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, Generated, testing::ValuesIn(rows_with_cases()),
                         [](const auto& info) { return std::string(info.param); });

TEST(GeneratedCases, RefusedOnesAreRefused) {
  for (const vm::InsnRow& row : vm::all_rows()) {
    for (const GeneratedCase& c : cases_of(row)) {
      if (!c.refused) continue;
      const Batch batch = batches({&c, 1}).front();
      const verifier::Outcome outcome =
          verifier::verify(loaded(memory_program(batch)), fake_helpers(), {.memory_size = batch.before.size()});
      ASSERT_FALSE(outcome.accepted()) << describe(c);
      const std::string& code = outcome.rejection().code;
      EXPECT_TRUE(code == "div-by-zero" || code == "bad-shift") << code << ": " << describe(c);
    }
  }
}

// A new row of the instruction table needs cases: generated ones, or at least a file (ConformanceFiles).
TEST(GeneratedCases, ThereAreSomeForEveryRowThatComputes) {
  const std::vector<std::string> files = conformance_names();
  std::size_t total = 0;
  for (const vm::InsnRow& row : vm::all_rows()) {
    const std::vector<GeneratedCase> cases = cases_of(row);
    total += cases.size();
    for (const GeneratedCase& c : cases) {
      const vm::InsnRow* const found = vm::find(c.insn);
      ASSERT_EQ(found, &row) << describe(c);
    }
    const bool computes = row.kind != vm::Kind::kGoto && row.kind != vm::Kind::kCallHelper &&
                          row.kind != vm::Kind::kCallLocal && row.kind != vm::Kind::kCallKernel &&
                          row.kind != vm::Kind::kExit && row.kind != vm::Kind::kLegacyLoad &&
                          (row.kind != vm::Kind::kLoadImm64 || row.name == "lddw");
    if (computes) {
      EXPECT_GE(cases.size(), 200U) << row.name;
    } else {
      const bool has_file = std::ranges::any_of(files, [&row](const std::string& file) {
        return std::string_view(file).substr(0, file.find('-')) == row.name;
      });
      EXPECT_TRUE(has_file) << row.name;
    }
  }
  RecordProperty("cases", static_cast<int>(total));
  EXPECT_GE(total, 100'000U);
}

// Every register is destination and source of every row that has them.
TEST(GeneratedCases, UseEveryRegister) {
  for (const vm::InsnRow& row : vm::all_rows()) {
    const std::vector<GeneratedCase> cases = cases_of(row);
    if (cases.empty()) continue;
    std::set<unsigned> dst;
    std::set<unsigned> src;
    for (const GeneratedCase& c : cases) {
      dst.insert(c.insn.dst);
      src.insert(c.insn.src);
    }
    const bool compares = row.kind == vm::Kind::kAtomic && row.atomic() == vm::AtomicOp::kCompareExchange;
    EXPECT_EQ(dst.size(), compares ? 9U : 10U) << row.name;
    if (row.src.mode == vm::FieldRule::Mode::kOperand) {
      EXPECT_EQ(src.size(), 10U) << row.name;
    }
  }
}

}  // namespace
}  // namespace sluice::testing_support
