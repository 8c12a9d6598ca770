#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "jit/jit.h"
#include "tests/support/programs.h"
#include "vm/interpreter.h"

namespace sluice::jit {
namespace {

using testing_support::fake_helpers;
using testing_support::permissive_facts;
using testing_support::program_from_asm;
using testing_support::TestFrame;
using testing_support::unverified;

// Programs of one prog array, each run on both engines. `known` tells the JIT by facts which map it is.
class TailCall : public testing::TestWithParam<bool> {
 protected:
  TailCall() {
    vm::MapSpec spec{
        .name = "jumps", .type = vm::MapType::kProgArray, .key_size = 4, .value_size = 4, .max_entries = 8};
    auto map = vm::make_map(spec, 1);
    if (GetParam() && map) {
      array_ = std::move(*map);
    } else {
      array_ = std::make_shared<testing_support::TestProgArray>(8);
    }
  }

  // Compiles `text`, in which every tail call uses the array, and puts it into `slot` when that is not negative.
  std::size_t add(std::string_view text, int slot, bool compile_it = true) {
    vm::LoadedProgram program = program_from_asm(text, vm::xdp_type(), {array_});
    vm::Facts facts = permissive_facts(program);
    for (std::size_t i = 0; i < program.insns.size(); ++i) {
      const vm::Insn& insn = program.insns[i];
      if (GetParam() && insn.opcode == 0x85 && insn.src == 0 && insn.imm == 12) facts.insns[i].map = 0;
    }
    programs_.push_back(std::make_unique<vm::VerifiedProgram>(unverified(std::move(program), std::move(facts))));
    Result<CompiledProgram> code = compile(*programs_.back(), fake_helpers());
    EXPECT_TRUE(code) << (code ? "" : code.error().message);
    codes_.push_back(std::make_unique<CompiledProgram>(std::move(code).value()));
    slots_.push_back(std::make_unique<vm::ProgramSlot>(
        vm::ProgramSlot{.program = programs_.back().get(),
                        .entry = compile_it ? codes_.back()->frame_entry() : nullptr,
                        .stage = static_cast<std::uint16_t>(100 + programs_.size())}));
    if (slot >= 0) {
      auto& array = static_cast<vm::ProgArray&>(*array_);
      EXPECT_EQ(array.set(static_cast<std::uint32_t>(slot), slots_.back().get()), 0);
    }
    return programs_.size() - 1;
  }

  struct Outcome {
    std::uint32_t verdict = 0;
    std::uint32_t depth = 0;
    std::array<std::uint16_t, vm::kMaxTailCalls + 1> path{};
    friend bool operator==(const Outcome&, const Outcome&) = default;
  };

  Outcome jit(std::size_t program) {
    TestFrame frame("0102030405");
    std::uint32_t verdict = 0;
    codes_[program]->burst()(&frame.context(), 1, &verdict, &env_);
    return {verdict, frame.context().depth, frame.context().path};
  }
  Outcome interpreted(std::size_t program) {
    TestFrame frame("0102030405");
    const vm::RunResult result = vm::interpret(*programs_[program], frame.context(), env_, fake_helpers());
    return {static_cast<std::uint32_t>(result.r0), frame.context().depth, frame.context().path};
  }

  std::shared_ptr<vm::Map> array_;
  std::vector<std::unique_ptr<vm::VerifiedProgram>> programs_;
  std::vector<std::unique_ptr<CompiledProgram>> codes_;
  std::vector<std::unique_ptr<vm::ProgramSlot>> slots_;
  vm::ExecEnv env_;
};

constexpr std::string_view kJumpToThree = "lddw_map r2, 0\nmov r3, 3\ncall 12\nexit";

TEST_P(TailCall, RunsTheTargetAndNotesItsStage) {
  add("mov r0, 77\nexit", 3);
  const std::size_t entry = add(kJumpToThree, -1);
  const Outcome outcome = jit(entry);
  EXPECT_EQ(outcome.verdict, 77U);
  EXPECT_EQ(outcome.depth, 1U);
  EXPECT_EQ(outcome.path[1], 101);
  EXPECT_EQ(outcome, interpreted(entry));
}

TEST_P(TailCall, GivesTheTargetTheContext) {
  add("ldxw r2, [r1+0]\nldxb r0, [r2+4]\nexit", 3);
  const std::size_t entry = add(kJumpToThree, -1);
  EXPECT_EQ(jit(entry).verdict, 5U);
}

TEST_P(TailCall, FallsThroughWithTheInterpretersErrorOnAMiss) {
  for (const char* const index : {"3", "7", "8", "-1", "1000000"}) {
    const std::size_t entry = add("lddw_map r2, 0\nmov r3, " + std::string(index) + "\ncall 12\nexit", -1);
    EXPECT_EQ(jit(entry), interpreted(entry)) << index;
    EXPECT_NE(jit(entry).verdict, 0U);
  }
}

TEST_P(TailCall, OnlyTheLow32BitsOfTheIndexCount) {
  add("mov r0, 77\nexit", 3);
  const std::size_t entry = add("lddw_map r2, 0\nlddw r3, 0x500000003\ncall 12\nexit", -1);
  EXPECT_EQ(jit(entry).verdict, 77U);
  EXPECT_EQ(jit(entry), interpreted(entry));
}

TEST_P(TailCall, AProgramThatWasNotCompiledIsAMiss) {
  add("mov r0, 77\nexit", 3, false);
  const std::size_t entry = add(kJumpToThree, -1);
  EXPECT_EQ(jit(entry).verdict, static_cast<std::uint32_t>(-2));
  EXPECT_EQ(jit(entry).depth, 0U);
}

TEST_P(TailCall, EndsAfter33OfThem) {
  const std::size_t entry = add("lddw_map r2, 0\nmov r3, 0\ncall 12\nmov r0, 9\nexit", 0);
  const Outcome outcome = jit(entry);
  EXPECT_EQ(outcome.verdict, 9U);
  EXPECT_EQ(outcome.depth, vm::kMaxTailCalls);
  EXPECT_EQ(outcome, interpreted(entry));
}

TEST_P(TailCall, FromASubProgramReturnsToItsCaller) {
  add("mov r6, 500\nmov r7, 500\nmov r8, 500\nmov r9, 500\nstdw [r10-8], 1\nmov r0, 40\nexit", 3);
  const std::size_t entry = add(R"(
    mov r6, 1
    mov r7, 2
    mov r8, 3
    mov r9, 4
    stdw [r10-8], 1000
    call_local jump
    add r0, r6
    add r0, r7
    add r0, r8
    add r0, r9
    ldxdw r2, [r10-8]
    add r0, r2
    exit
    jump:
    stdw [r10-16], 7
    lddw_map r2, 0
    mov r3, 3
    call 12
    mov r0, 0
    exit)",
                                -1);
  EXPECT_EQ(jit(entry).verdict, 1050U);
  EXPECT_EQ(jit(entry), interpreted(entry));
}

// Known bug, to be mended in vm/interpreter.cc: it runs out of call frames when tail calls made inside sub-programs nest.
TEST_P(TailCall, DISABLED_SubProgramsAndTheirTargetsShareTheLimit) {
  const std::size_t entry = add(R"(
    mov r6, r1
    call_local jump
    mov r7, r0
    mov r1, r6
    call_local jump
    add r0, r7
    add r0, 1
    exit
    jump:
    lddw_map r2, 0
    mov r3, 0
    call 12
    mov r0, 0
    exit)",
                                0);
  EXPECT_EQ(jit(entry), interpreted(entry));
  EXPECT_EQ(jit(entry).depth, vm::kMaxTailCalls);
}

TEST_P(TailCall, EveryFrameOfABurstStartsOver) {
  add("mov r0, 77\nexit", 3);
  const std::size_t entry = add(kJumpToThree, -1);
  TestFrame frame("01");
  std::vector<vm::XdpContext> frames(40, frame.context());
  std::vector<std::uint32_t> verdicts(40);
  codes_[entry]->burst()(frames.data(), 40, verdicts.data(), &env_);
  for (unsigned i = 0; i < 40; ++i) {
    EXPECT_EQ(verdicts[i], 77U);
    EXPECT_EQ(frames[i].depth, 1U);
  }
}

INSTANTIATE_TEST_SUITE_P(Map, TailCall, testing::Bool(),
                         [](const auto& info) { return info.param ? "KnownWithAView" : "OnlyKnownAtRunTime"; });

}  // namespace
}  // namespace sluice::jit
