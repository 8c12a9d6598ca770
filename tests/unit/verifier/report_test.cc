// How a refusal reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/verifier/cases.h"

namespace sluice::verifier {
namespace {

using ::testing::HasSubstr;
using testing::maps;

constexpr std::string_view kUnchecked = R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 34
      mov r0, 1
      jgt r4, r3, out
      ldxb r5, [r2+14]
      and r5, 15
      lsh r5, 2
      add r2, r5
      ldxh r0, [r2+16]
    out:
      exit)";

TEST(Report, ShowsSourceProofAndCure) {
  vm::LoadedProgram program = testing_support::program_from_asm(kUnchecked, vm::xdp_type());
  program.lines = {{0, 10, 3, "fw.bpf.c", "  if (data + 34 > data_end)"},
                   {8, 12, 24, "fw.bpf.c", "  tcp = (void *)ip + ip->ihl * 4;"},
                   {10, 13, 12, "fw.bpf.c", "  if (tcp->dest == bpf_htons(80))"}};
  const Outcome outcome = verify(program, helpers::table());
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(render(outcome.rejection(), program),
            "fw.bpf.c:13:12: error[pkt-bounds]: 2-byte read past the proven packet bytes\n"
            "    13 |   if (tcp->dest == bpf_htons(80))      insn 10, r2\n"
            " reads:   data+16+v .. +18+v, v in [0,60] (added at fw.bpf.c:12)\n"
            " proven:  34 bytes from data (check at fw.bpf.c:10); nothing from `tcp`\n"
            " why:     adding v at line 12 made a new pointer; an earlier check does not carry over\n"
            " fix:     after line 12: if ((void *)(tcp + 1) > (void *)(long)ctx->data_end) return XDP_DROP;\n");
}

TEST(Report, ShowsTheInstructionWhereThereIsNoSource) {
  const vm::LoadedProgram program = testing_support::program_from_asm(kUnchecked, vm::xdp_type());
  const Outcome outcome = verify(program, helpers::table());
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(render(outcome.rejection(), program),
            "test:insn 10: error[pkt-bounds]: 2-byte read past the proven packet bytes\n"
            "    10 | ldxh r0, [r2+16]                       insn 10, r2\n"
            " reads:   data+16+v .. +18+v, v in [0,60] (added at insn 9)\n"
            " proven:  34 bytes from data (check at insn 5); nothing from this pointer\n"
            " why:     adding v at insn 9 made a new pointer; an earlier check does not carry over\n"
            " fix:     before insn 10: leave unless r2 + 18 <= data_end\n");
}

TEST(Report, TellsWithoutSourceWhichCallMadeAPointerVoid) {
  const vm::LoadedProgram program = testing_support::program_from_asm(R"(
      mov r6, r1
      ldxw r7, [r6+0]
      mov r2, 4
      call xdp_adjust_head
      ldxb r0, [r7+0]
      exit)",
                                                                      vm::xdp_type());
  const Outcome outcome = verify(program, helpers::table());
  ASSERT_FALSE(outcome.accepted());
  EXPECT_THAT(render(outcome.rejection(), program),
              HasSubstr(" why:     set at insn 1; bpf_xdp_adjust_head at insn 3 made it void"));
}

TEST(Report, NamesTheHottestLoopItsRoundsAndWhatDiffers) {
  const vm::LoadedProgram program = testing_support::program_from_asm(R"(
      mov r1, 0
    again:
      add r1, 1
      jlt r1, 100000, again
      mov r0, 2
      exit)",
                                                                      vm::xdp_type());
  const Outcome outcome = verify(program, helpers::table(), {.limits = {.processed = 1000}});
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(outcome.rejection().code, "too-complex");
  const std::string text = render(outcome.rejection(), program);
  EXPECT_THAT(text, HasSubstr("the loop at insn 1 was followed for 500 rounds of about 2 instructions"));
  EXPECT_THAT(text, HasSubstr("no two rounds are alike: r1 was 498, then 499"));
}

TEST(Report, EveryRefusalSaysWhyAndHowToFixIt) {
  for (const std::string_view text : {"exit", "mov r0, 0\nlsh r0, 64\nexit", "call 9999\nexit", "mov r0, r1\nexit"}) {
    const Outcome outcome = testing::verify_text(text);
    ASSERT_FALSE(outcome.accepted());
    const auto& notes = outcome.rejection().notes;
    for (const std::string_view label : {"why", "fix"}) {
      EXPECT_TRUE(std::ranges::any_of(notes, [&](const auto& note) { return note.label == label; })) << text;
    }
  }
}

TEST(Report, NamesAHelperThatIsMissing) {
  const Outcome outcome = testing::verify_text("call 9\nexit");
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(outcome.rejection().code, "unknown-helper");
  EXPECT_THAT(outcome.rejection().message, HasSubstr("skb_store_bytes (9)"));
}

TEST(Codes, AreSortedAndExplained) {
  std::string_view last;
  for (const CodeInfo& info : all_codes()) {
    EXPECT_LT(last, info.code);
    EXPECT_FALSE(info.meaning.empty());
    EXPECT_FALSE(info.cure.empty());
    last = info.code;
  }
}

}  // namespace
}  // namespace sluice::verifier
