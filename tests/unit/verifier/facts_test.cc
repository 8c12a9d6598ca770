// What an accepted program's facts say.
#include <gtest/gtest.h>

#include "tests/unit/verifier/cases.h"

namespace sluice::verifier {
namespace {

using testing::verify_text;

vm::Facts facts_of(std::string_view text, const Options& options = {}, const vm::ProgramType& type = vm::xdp_type()) {
  Outcome outcome = verify_text(text, options, type);
  if (!outcome.accepted()) {
    ADD_FAILURE() << outcome.rejection().message;
    return {};
  }
  return std::move(outcome).take().facts();
}

TEST(Facts, NameTheRegionAndOffsetsOfPacketAccesses) {
  const vm::Facts facts = facts_of(R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 34
      mov r0, 1
      jgt r4, r3, out
      ldxb r5, [r2+14]
      and r5, 15
      add r2, r5
      mov r4, r2
      add r4, 4
      jgt r4, r3, out
      ldxh r0, [r2+2]
    out:
      exit)");
  EXPECT_EQ(facts.insns[0].region, vm::Region::kContext);
  EXPECT_EQ(facts.insns[6].region, vm::Region::kPacket);
  EXPECT_EQ(facts.insns[6].min_offset, 14);
  EXPECT_EQ(facts.insns[12].region, vm::Region::kPacket);
  EXPECT_EQ(facts.insns[12].min_offset, 2);
  EXPECT_EQ(facts.insns[12].max_offset, 17);
}

TEST(Facts, LeaveTheRegionOpenWhenPathsDiffer) {
  const vm::Facts facts = facts_of(R"(
      ldxw r2, [r1+12]
      stdw [r10-8], 0
      mov r3, r10
      add r3, -8
      jeq r2, 0, join
      lddw_map_value r3, 3, 0
    join:
      ldxb r0, [r3+0]
      exit)");
  EXPECT_EQ(facts.insns[7].region, vm::Region::kUnknown);
  EXPECT_EQ(facts.insns[7].map, -1);
}

TEST(Facts, NameTheMapOfAccessesAndCalls) {
  const vm::Facts facts = facts_of(R"(
      stw [r10-4], 0
      mov r2, r10
      add r2, -4
      lddw_map r1, 6
      call 1
      jeq r0, 0, out
      ldxdw r0, [r0+8]
    out:
      exit)");
  EXPECT_EQ(facts.insns[5].map, 6);
  EXPECT_EQ(facts.insns[7].map, 6);
  EXPECT_EQ(facts.insns[7].region, vm::Region::kMapValue);
  EXPECT_EQ(facts.insns[7].min_offset, 8);
}

TEST(Facts, ListTailCallMapsOnceAndConstantIndices) {
  const vm::Facts facts = facts_of(R"(
      mov r6, r1
      lddw_map r2, 2
      mov r3, 1
      call 12
      mov r1, r6
      lddw_map r2, 2
      ldxw r3, [r6+12]
      call 12
      mov r0, 2
      exit)");
  EXPECT_TRUE(facts.makes_tail_calls);
  EXPECT_EQ(facts.tail_call_maps, std::vector<std::uint32_t>{2});
  EXPECT_EQ(facts.insns[4].key_constant, 1);
  EXPECT_EQ(facts.insns[9].key_constant, -1);
}

TEST(Facts, KnowTheConstantKeysOfLookupsInArrays) {
  const vm::Facts facts = facts_of(R"(
      ldxw r6, [r1+12]
      stw [r10-8], 5
      mov r2, r10
      add r2, -8
      lddw_map r1, 6
      call 1
      stxw [r10-8], r6
      mov r2, r10
      add r2, -8
      lddw_map r1, 6
      call 1
      jeq r6, 0, zero
      stw [r10-8], 1
      ja same
    zero:
      stw [r10-8], 2
    same:
      mov r2, r10
      add r2, -8
      lddw_map r1, 0
      call 1
      stdw [r10-8], 7
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      mov r0, 2
      exit)");
  EXPECT_EQ(facts.insns[6].key_constant, 5);    // beyond the last one, which the engines know, too
  EXPECT_EQ(facts.insns[12].key_constant, -1);  // from the frame
  EXPECT_EQ(facts.insns[20].key_constant, -1);  // 1 or 2
  EXPECT_EQ(facts.insns[26].key_constant, -1);  // a hash's key is read
}

TEST(Facts, KnowWhichVerdictsMayComeBack) {
  EXPECT_EQ(facts_of("mov r0, 2\nexit").may_return, 1U << 2);
  EXPECT_EQ(facts_of("mov r0, 77\nexit").may_return, 1U << 31);
  EXPECT_EQ(facts_of(R"(
      ldxw r2, [r1+12]
      mov r0, 1
      jeq r2, 0, out
      mov r0, 3
    out:
      exit)")
                .may_return,
            (1U << 1) | (1U << 3));
  EXPECT_EQ(facts_of("call 7\nexit").may_return, ~std::uint32_t{0});
}

TEST(Facts, HaveUnwrittenSlotsThatAreReadCleared) {
  const vm::Facts facts = facts_of(R"(
      stdw [r10-8], 0
      ldxw r0, [r10-20]
      ldxdw r1, [r10-8]
      exit)");
  ASSERT_EQ(facts.slots_to_clear.size(), 1U);
  EXPECT_EQ(facts.slots_to_clear[0], 1U << 2);
  EXPECT_EQ(facts.frame_bytes[0], 24U);
}

TEST(Facts, HaveSlotsClearedThatOnlyAPrunedPathLeavesUnwritten) {
  const vm::Facts facts = facts_of(R"(
      ldxw r2, [r1+12]
      jeq r2, 1, skip
      ldxw r3, [r1+16]
      stxdw [r10-8], r3
      ja join
    skip:
      mov r0, 0
    join:
      ldxdw r0, [r10-8]
      mov r0, 0
      exit)");
  EXPECT_EQ(facts.slots_to_clear[0], 1U);
}

TEST(Facts, HaveKeysInUnwrittenStackCleared) {
  const vm::Facts facts = facts_of(R"(
      stw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      mov r0, 0
      exit)");
  EXPECT_EQ(facts.slots_to_clear[0], 1U);
}

TEST(Facts, MeasureTheDeepestChain) {
  const vm::Facts facts = facts_of(R"(
      stdw [r10-64], 0
      call_local sub
      exit
    sub:
      stdw [r10-32], 0
      mov r0, 0
      exit)");
  EXPECT_EQ(facts.stack_depth, 96U);
  EXPECT_EQ(facts.frame_bytes, (std::vector<std::uint32_t>{64, 32}));
}

TEST(Facts, KnowThatThePacketMoves) {
  EXPECT_TRUE(facts_of("mov r2, 0\ncall 44\nmov r0, 0\nexit").moves_packet);
  EXPECT_FALSE(facts_of("mov r0, 0\nexit").moves_packet);
  // What a sub-program's tail call runs may move the packet before it comes back; to the main program it does not.
  const std::string_view jump = "lddw_map r2, 2\nmov r3, 0\ncall 12\nmov r0, 0\nexit";
  EXPECT_FALSE(facts_of(std::string(jump)).moves_packet);
  EXPECT_TRUE(facts_of("call_local sub\nexit\nsub: " + std::string(jump)).moves_packet);
}

TEST(Facts, FoldFrozenMaps) {
  // The bytes at 2 and 3 are 03 04: the other way is never walked.
  const vm::Facts facts = facts_of(R"(
      lddw_map_value r2, 8, 2
      ldxh r3, [r2+0]
      mov r0, 1
      jeq r3, 0x0403, out
      mov r0, 2
    out:
      exit)");
  EXPECT_EQ(facts.may_return, 1U << 1);
  EXPECT_FALSE(facts.insns[5].reachable);
}

TEST(Facts, ClaimWhatRegistersHoldOnRequest) {
  const vm::Facts facts = facts_of(R"(
      ldxw r2, [r1+12]
      and r2, 7
      mov r0, r2
      exit)",
                                   {.record_claims = true});
  ASSERT_EQ(facts.claims.size(), 4U);
  EXPECT_EQ(facts.claims[2][2].kind, vm::RegisterClaim::Kind::kScalar);
  EXPECT_EQ(facts.claims[2][2].umax, 7U);
  EXPECT_EQ(facts.claims[0][1].kind, vm::RegisterClaim::Kind::kPointer);
  EXPECT_EQ(facts.claims[0][0].kind, vm::RegisterClaim::Kind::kNothing);
}

TEST(Facts, ClaimsJoinAllPaths) {
  const vm::Facts facts = facts_of(R"(
      ldxw r2, [r1+12]
      mov r3, 5
      jeq r2, 0, join
      mov r3, 9
    join:
      mov r0, 0
      exit)",
                                   {.record_claims = true});
  EXPECT_EQ(facts.claims[4][3].umin, 5U);
  EXPECT_EQ(facts.claims[4][3].umax, 9U);
}

}  // namespace
}  // namespace sluice::verifier
