#include "vm/interpreter.h"

#include <cerrno>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/programs.h"

namespace sluice::vm {
namespace {

using testing::HasSubstr;
using testing_support::fake_helpers;
using testing_support::TestFrame;
using testing_support::TestProgArray;
using testing_support::unverified;

constexpr std::string_view kFrame = "000102030405060708090a0b0c0d0800 4500";

RunResult run(const VerifiedProgram& program, TestFrame& frame, bool checked = true) {
  ExecEnv env;
  RunResult result = interpret(program, frame.context(), env, fake_helpers(), {.checked = checked});
  EXPECT_EQ(env.frame, &frame.context());
  return result;
}

std::uint64_t good(std::string_view text, TestFrame& frame, const ProgramType& type = xdp_type()) {
  const VerifiedProgram program = unverified(text, type);
  const RunResult result = run(program, frame);
  EXPECT_FALSE(result.fault) << result.fault->what;
  return result.r0;
}

std::uint64_t good(std::string_view text) {
  TestFrame frame(kFrame);
  return good(text, frame);
}

TEST(Interpreter, PacketPointersOfTheContextAreWholePointers) {
  EXPECT_EQ(good("ldxw r2, [r1]\nldxw r3, [r1+4]\nsub r3, r2\nmov r0, r3\nexit"), 18U);
  EXPECT_EQ(good("ldxw r2, [r1]\nldxh r0, [r2+12]\nbe16 r0\nexit"), 0x0c0dU);
  EXPECT_EQ(good("ldxw r2, [r1]\nldxw r3, [r1+8]\nsub r3, r2\nmov r0, r3\nexit"), 0U);
}

TEST(Interpreter, ReadsTheNumbersOfTheContext) {
  TestFrame frame(kFrame);
  frame.context().ingress_ifindex = 5;
  frame.context().rx_queue_index = 7;
  frame.context().egress_ifindex = 9;
  constexpr std::string_view kText =
      "ldxw r0, [r1+12]\nlsh r0, 8\nldxw r2, [r1+16]\nor r0, r2\nlsh r0, 8\nldxw r2, [r1+20]\nor r0, r2\nexit";
  EXPECT_EQ(good(kText, frame, xdp_devmap_type()), 0x050709U);
}

TEST(Interpreter, ReadsContextFieldsThroughACopyOfThePointer) {
  TestFrame frame(kFrame);
  frame.context().ingress_ifindex = 0x80000001;
  EXPECT_EQ(good("mov r6, r1\nadd r6, 8\nldxw r0, [r6+4]\nexit", frame), 0x80000001U);
}

TEST(Interpreter, VerdictIsTheLowHalfOfR0) { EXPECT_EQ(good("lddw r0, 0x500000002\nexit"), 2U); }

TEST(Interpreter, WritesThePacket) {
  TestFrame frame(kFrame);
  good("ldxw r2, [r1]\nsth [r2+2], -1\nmov r0, 3\nexit", frame);
  EXPECT_EQ(frame.hex(), "0001ffff0405060708090a0b0c0d08004500");
}

TEST(Interpreter, CountsInstructionsAndCoverage) {
  const VerifiedProgram program = unverified("lddw r0, 2\njeq r0, 2, out\nmov r0, 1\nout: exit", xdp_type());
  TestFrame frame(kFrame);
  ExecEnv env;
  std::vector<std::uint64_t> coverage(program.program().insns.size());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(interpret(program, frame.context(), env, fake_helpers(), {.coverage = &coverage}).insns, 3U);
  }
  EXPECT_EQ(coverage, (std::vector<std::uint64_t>{2, 0, 2, 0, 2}));
}

TEST(Interpreter, ClearsTheSlotsTheFactsName) {
  LoadedProgram program = testing_support::program_from_asm("ldxdw r0, [r10-16]\nexit", memory_type());
  Facts facts = testing_support::permissive_facts(program);
  facts.slots_to_clear = {0b10};
  const VerifiedProgram verified = unverified(std::move(program), std::move(facts));
  ExecEnv env;
  for (const bool checked : {false, true}) {
    const RunResult result = interpret(verified, MemoryContext{}, env, fake_helpers(), {.checked = checked});
    EXPECT_FALSE(result.fault);
    EXPECT_EQ(result.r0, 0U);
  }
}

// --- tail calls ---

struct Chain {
  explicit Chain(std::uint32_t slots) : array(std::make_shared<TestProgArray>(slots)) {}
  // Puts a program into the next slot of the array.
  void add(std::string_view text) {
    programs.push_back(std::make_unique<VerifiedProgram>(unverified(text, xdp_type(), {array})));
    slots.push_back(std::make_unique<ProgramSlot>(
        ProgramSlot{.program = programs.back().get(), .stage = static_cast<std::uint16_t>(10 + slots.size())}));
    array->set(static_cast<std::uint32_t>(slots.size() - 1), slots.back().get());
  }
  std::shared_ptr<TestProgArray> array;
  std::vector<std::unique_ptr<VerifiedProgram>> programs;
  std::vector<std::unique_ptr<ProgramSlot>> slots;
};

std::string tail_call(int index) { return "lddw_map r2, 0\nmov r3, " + std::to_string(index) + "\ncall tail_call\n"; }

TEST(TailCall, RunsTheTargetAndRecordsTheStage) {
  Chain chain(4);
  chain.add("mov r6, r1\n" + tail_call(1) + "mov r0, 1\nexit");
  chain.add("ldxw r2, [r1+4]\nmov r0, 3\nexit");
  TestFrame frame(kFrame);
  for (const bool checked : {false, true}) {
    frame.context().depth = 0;
    const RunResult result = run(*chain.programs[0], frame, checked);
    EXPECT_FALSE(result.fault);
    EXPECT_EQ(result.r0, 3U);
    EXPECT_EQ(result.insns, 7U);
    EXPECT_EQ(frame.context().depth, 1U);
    EXPECT_EQ(frame.context().path[1], 11U);
  }
}

TEST(TailCall, FallsThroughWhenTheSlotIsEmptyOrOutOfRange) {
  Chain chain(4);
  chain.add(tail_call(2) + "neg r0\nexit");
  chain.add(tail_call(4) + "neg r0\nexit");
  chain.add(tail_call(-1) + "neg r0\nexit");
  chain.array->set(2, nullptr);
  for (const bool checked : {false, true}) {
    for (const auto& [program, error] : {std::pair{0, ENOENT}, {1, EINVAL}, {2, EINVAL}}) {
      TestFrame frame(kFrame);
      EXPECT_EQ(run(*chain.programs[static_cast<std::size_t>(program)], frame, checked).r0,
                static_cast<std::uint32_t>(error));
      EXPECT_EQ(frame.context().depth, 0U);
    }
  }
}

TEST(TailCall, LooksAtTheLowHalfOfTheIndex) {
  Chain chain(1);
  chain.add("mov r0, 4\nexit");
  const VerifiedProgram program =
      unverified("lddw_map r2, 0\nlddw r3, 0x700000000\ncall tail_call\nmov r0, 1\nexit", xdp_type(), {chain.array});
  TestFrame frame(kFrame);
  EXPECT_EQ(run(program, frame).r0, 4U);
}

TEST(TailCall, StopsAfter33) {
  Chain counting(1);
  counting.add("mov r6, r1\nldxw r2, [r1]\nldxb r3, [r2]\nadd r3, 1\nstxb [r2], r3\n" + tail_call(0) + "neg r0\nexit");
  TestFrame frame(kFrame);
  EXPECT_EQ(run(*counting.programs[0], frame).r0, static_cast<std::uint32_t>(ELOOP));
  EXPECT_EQ(frame.context().depth, kMaxTailCalls);
  EXPECT_EQ(frame.hex().substr(0, 2), "22") << "34 runs";
}

TEST(TailCall, FromASubprogramReturnsToThatSubprogramsCaller) {
  Chain chain(2);
  chain.add(
      "stdw [r10-8], 100\nmov r6, 7\ncall_local sub\nldxdw r3, [r10-8]\nadd r0, r3\nadd r0, r6\nexit\n"
      "sub: " +
      tail_call(1) + "mov r0, 0\nexit");
  chain.add("stdw [r10-8], 5\nmov r6, 9\nmov r0, 1000\nexit");
  TestFrame frame(kFrame);
  for (const bool checked : {false, true}) {
    frame.context().depth = 0;
    const RunResult result = run(*chain.programs[0], frame, checked);
    EXPECT_FALSE(result.fault) << result.fault->what;
    EXPECT_EQ(result.r0, 1107U);
  }
}

TEST(TailCall, NestsAsDeeplyAsSubprogramsAllow) {
  Chain chain(1);
  // Each run goes seven calls deep and tail-calls itself from there: the deepest chain there can be.
  std::string text = "call_local f1\nadd r0, 1\nexit\n";
  for (int i = 1; i < 7; ++i) text += "f" + std::to_string(i) + ": call_local f" + std::to_string(i + 1) + "\nexit\n";
  text += "f7: " + tail_call(0) + "mov r0, 0\nexit";
  LoadedProgram program = testing_support::program_from_asm(text, xdp_type(), {chain.array});
  Facts facts = testing_support::permissive_facts(program);
  facts.frame_bytes.assign(program.subprograms.size(), 64);
  const VerifiedProgram verified = unverified(std::move(program), std::move(facts));
  const ProgramSlot slot{.program = &verified};
  chain.array->set(0, &slot);
  TestFrame frame(kFrame);
  for (const bool checked : {false, true}) {
    frame.context().depth = 0;
    const RunResult result = run(verified, frame, checked);
    EXPECT_FALSE(result.fault) << result.fault->what;
    EXPECT_EQ(result.r0, 34U) << "one for each run";
  }
}

TEST(TailCall, OfAMemoryProgramFails) {
  auto array = std::make_shared<TestProgArray>(1);
  const VerifiedProgram program = unverified(tail_call(0) + "exit", memory_type(), {array});
  ExecEnv env;
  EXPECT_EQ(interpret(program, MemoryContext{}, env, fake_helpers()).r0,
            static_cast<std::uint64_t>(std::int64_t{-EINVAL}));
}

TEST(Interpreter, StacksOfOneProgramAreSeparate) {
  EXPECT_EQ(good("stdw [r10-512], 1\ncall_local sub\nldxdw r3, [r10-512]\nadd r0, r3\nexit\n"
                 "sub: stdw [r10-8], 2\nldxdw r0, [r10-8]\nexit"),
            3U);
}

}  // namespace
}  // namespace sluice::vm
