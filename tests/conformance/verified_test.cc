// Conformance data through the verifier: what it accepts runs in the checked interpreter against the verifier's own
// facts and claims (state embedding), with the result of the file. What it refuses is listed with the reason.
#include <algorithm>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/conformance/case.h"
#include "tests/support/programs.h"
#include "verifier/verifier.h"
#include "vm/interpreter.h"

namespace sluice::testing_support {
namespace {

// The code of the refusal that a file must meet because Linux refuses the like too; empty = it must be accepted.
std::string_view refusal(const std::string& name, const vm::LoadedProgram& program) {
  for (std::size_t slot = 0; slot < program.insns.size(); ++slot) {
    const vm::Insn& insn = program.insns[slot];
    const vm::InsnRow* const row = vm::find(insn);
    if (row == nullptr) continue;
    slot += vm::slots(*row) - 1;
    if (row->kind != vm::Kind::kAlu || row->source != vm::Source::kImm) continue;
    const bool divides = row->alu() == vm::AluOp::kDiv || row->alu() == vm::AluOp::kMod ||
                         row->alu() == vm::AluOp::kSdiv || row->alu() == vm::AluOp::kSmod;
    const bool shifts =
        row->alu() == vm::AluOp::kLsh || row->alu() == vm::AluOp::kRsh || row->alu() == vm::AluOp::kArsh;
    if (divides && insn.imm == 0) return "div-by-zero";
    if (shifts && (insn.imm < 0 || insn.imm >= (row->wide ? 64 : 32))) return "bad-shift";
  }
  // Linux takes map indices together with a list of descriptors.
  if (name.starts_with("lddw_map_index")) return "bad-insn";
  for (const std::string_view unreachable : {"exit-early", "gotol", "gotol-far", "ja", "lddw-jumped-over"}) {
    if (name == unreachable) return "unreachable-code";
  }
  return {};
}

class Verified : public testing::TestWithParam<std::string> {};

TEST_P(Verified, AgreesWithTheFileInCheckedMode) {
  const ConformanceCase data = read_conformance(GetParam());
  vm::LoadedProgram program = program_from_asm(data.text, vm::memory_type(), make_maps(data));
  const std::string_view expected = refusal(GetParam(), program);
  const verifier::Options options{.record_claims = true, .memory_size = data.memory.size()};
  const vm::LoadedProgram shown = program;
  verifier::Outcome outcome = verifier::verify(std::move(program), fake_helpers(), options);
  if (!expected.empty()) {
    ASSERT_FALSE(outcome.accepted());
    EXPECT_EQ(outcome.rejection().code, expected);
    return;
  }
  ASSERT_TRUE(outcome.accepted()) << verifier::render(outcome.rejection(), shown);
  const vm::VerifiedProgram verified = std::move(outcome).take();
  std::vector<std::byte> memory = data.memory;
  vm::ExecEnv env;
  const vm::RunResult result = vm::interpret(verified, {memory.empty() ? nullptr : memory.data(), memory.size()}, env,
                                             fake_helpers(), {.checked = true});
  ASSERT_FALSE(result.fault) << "slot " << result.fault->insn << ": " << result.fault->what;
  EXPECT_EQ(result.r0, *data.result);
}

// Rows that no verifier accepts are tested as such: their files hold an error.
std::vector<std::string> names() {
  std::vector<std::string> good;
  for (const std::string& name : conformance_names()) {
    if (read_conformance(name).error.empty()) good.push_back(name);
  }
  return good;
}

INSTANTIATE_TEST_SUITE_P(Files, Verified, testing::ValuesIn(names()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(VerifiedErrors, FilesWithAnErrorAreRefused) {
  for (const std::string& name : conformance_names()) {
    const ConformanceCase data = read_conformance(name);
    if (data.error.empty()) continue;
    verifier::Outcome outcome = verifier::verify(program_from_asm(data.text, vm::memory_type(), make_maps(data)),
                                                 fake_helpers(), {.memory_size = data.memory.size()});
    EXPECT_FALSE(outcome.accepted()) << name;
  }
}

}  // namespace
}  // namespace sluice::testing_support
