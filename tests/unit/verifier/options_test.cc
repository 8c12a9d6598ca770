// Limits, program types and other settings of a verification.
#include <gtest/gtest.h>

#include "tests/unit/verifier/cases.h"
#include "verifier/require.h"

namespace sluice::verifier {
namespace {

using testing::maps;
using testing::verdict;
using testing::verify_text;

TEST(Limits, TooManyInstructionsNameTheHottest) {
  const Outcome outcome = verify_text(R"(
      mov r0, 0
    loop:
      add r0, 1
      jlt r0, 100000, loop
      exit)",
                                      {.limits = {.processed = 1000}});
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(outcome.rejection().code, "too-complex");
  EXPECT_EQ(outcome.rejection().insn, 1U);
}

TEST(Limits, TooManyWaitingBranchesAreRefused) {
  EXPECT_EQ(verdict(R"(
      mov r6, 0
    loop:
      call 7
      jeq r0, 0, out
      add r6, 1
      jlt r6, 100, loop
    out:
      mov r0, 0
      exit)",
                    {.limits = {.jump_sequence = 50}}),
            "too-complex");
}

TEST(AllowPtrLeaks, PermitsPointersInMaps) {
  const std::string_view text = R"(
      lddw_map_value r2, 3, 0
      stxdw [r2+0], r10
      mov r0, 0
      exit)";
  EXPECT_EQ(verdict(text), "ptr-leak");
  EXPECT_EQ(verdict(text, {.allow_ptr_leaks = true}), "accepted");
}

TEST(AllowPtrLeaks, PermitsPointersAsVerdictAndAsOperandsOfAtomics) {
  const std::string_view returned = "mov r0, r1\nexit";
  EXPECT_EQ(verdict(returned), "return-value");
  EXPECT_EQ(verdict(returned, {.allow_ptr_leaks = true}), "accepted");
  const std::string_view operand = R"(
      lddw_map_value r2, 3, 0
      atomic_xchg64 [r2+0], r1
      mov r0, 0
      exit)";
  EXPECT_EQ(verdict(operand), "ptr-leak");
  EXPECT_EQ(verdict(operand, {.allow_ptr_leaks = true}), "accepted");
}

TEST(MemoryPrograms, ReadAndWriteTheirMemoryAndKnowItsLength) {
  const std::string_view text = R"(
      ldxdw r0, [r1+0]
      stxb [r1+15], r0
      atomic_add64 [r1+8], r0
      mov r0, r2
      exit)";
  EXPECT_EQ(verdict(text, {.memory_size = 16}, vm::memory_type()), "accepted");
  EXPECT_EQ(verdict(text, {.memory_size = 15}, vm::memory_type()), "mem-bounds");
  const auto off = RuleSet::without(Rule::kMemoryBounds);
  EXPECT_EQ(verdict(text, {.memory_size = 15}, vm::memory_type(), off), "accepted");
}

TEST(MemoryPrograms, MayNotMoveAPacket) {
  const std::string_view text = R"(
      mov r2, 0
      mov r0, 0
      call 44
      exit)";
  EXPECT_EQ(verdict(text, {.memory_size = 16}, vm::memory_type()), "forbidden-helper");
  const auto off = RuleSet::without(Rule::kHelperAllowed);
  EXPECT_EQ(verdict(text, {.memory_size = 16}, vm::memory_type(), off), "arg-type");
}

TEST(DevmapPrograms, ReadTheEgressPort) {
  EXPECT_EQ(verdict("ldxw r0, [r1+20]\nexit", {}, vm::xdp_devmap_type()), "accepted");
}

TEST(Statistics, CountWhatWasWalked) {
  const Outcome outcome = verify_text("stdw [r10-16], 0\nmov r0, 0\nexit");
  EXPECT_EQ(outcome.statistics.insns, 3U);
  EXPECT_EQ(outcome.statistics.processed, 3U);
  EXPECT_EQ(outcome.statistics.stack, 16U);
}

vm::LoadedProgram with_global(std::string_view text) {
  vm::LoadedProgram program = testing_support::program_from_asm(text, vm::xdp_type(), maps());
  program.subprograms.at(1).is_global = true;
  return program;
}

TEST(GlobalSubprograms, AreVerifiedForAnyNumbers) {
  const std::string_view text = R"(
      mov r1, 3
      call_local sub
      exit
    sub:
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      add r2, r1
      ldxb r0, [r2+0]
      exit)";
  EXPECT_EQ(verdict(text), "accepted");  // static: with the 3 it is called with
  const Outcome outcome = verify(with_global(text), helpers::table());
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(outcome.rejection().code, "ptr-arithmetic");
}

TEST(GlobalSubprograms, AreWalkedOnceHoweverOftenTheyAreCalled) {
  Outcome outcome = verify(with_global(R"(
      mov r6, r1
      call_local sub
      mov r1, r6
      call_local sub
      mov r1, r6
      call_local sub
      exit
    sub:
      ldxw r0, [r1+12]
      exit)"),
                           helpers::table());
  ASSERT_TRUE(outcome.accepted());
  EXPECT_EQ(outcome.statistics.processed, 7U + 2U);
  EXPECT_EQ(std::move(outcome).take().facts().may_return, ~std::uint32_t{0});
}

TEST(GlobalSubprograms, ThatGetPointersAreWalkedFromTheirCaller) {
  const Outcome outcome = verify(with_global(R"(
      stdw [r10-8], 1
      mov r1, r10
      add r1, -8
      call_local sub
      exit
    sub:
      ldxdw r0, [r1+0]
      exit)"),
                                 helpers::table());
  EXPECT_TRUE(outcome.accepted());
}

TEST(GlobalSubprograms, ThatMoveThePacketKillItsPointers) {
  const Outcome outcome = verify(with_global(R"(
      ldxw r6, [r1+0]
      call_local sub
      ldxb r0, [r6+0]
      mov r0, 0
      exit
    sub:
      mov r2, 0
      call 44
      exit)"),
                                 helpers::table());
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(outcome.rejection().code, "uninit-read");
}

TEST(GlobalSubprograms, ThatMakeTailCallsMayMoveThePacketToo) {
  const Outcome outcome = verify(with_global(R"(
      ldxw r6, [r1+0]
      call_local sub
      ldxb r0, [r6+0]
      mov r0, 0
      exit
    sub:
      lddw_map r2, 2
      mov r3, 0
      call 12
      mov r0, 0
      exit)"),
                                 helpers::table());
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(outcome.rejection().code, "uninit-read");
}

}  // namespace
}  // namespace sluice::verifier
