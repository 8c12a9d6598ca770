#include "vm/asm.h"

#include <cstring>

#include <gtest/gtest.h>

namespace sluice::vm {
namespace {

std::vector<Insn> good(std::string_view text) {
  auto insns = assemble(text);
  EXPECT_TRUE(insns) << (insns ? "" : insns.error().message);
  return insns ? std::move(insns).value() : std::vector<Insn>{};
}

std::string bad(std::string_view text) {
  const auto insns = assemble(text);
  EXPECT_FALSE(insns) << text;
  return insns ? "" : insns.error().message;
}

// An instruction of the row with a different number in each field the row leaves open.
std::vector<Insn> sample(const InsnRow& row, std::int16_t offset, std::int32_t imm) {
  const auto field = [](const FieldRule& rule, std::int32_t operand) {
    return rule.mode == FieldRule::Mode::kOperand ? operand : rule.value;
  };
  Insn insn{.opcode = row.opcode};
  insn.dst = static_cast<std::uint8_t>(field(row.dst, 3)) & 0xf;
  insn.src = static_cast<std::uint8_t>(field(row.src, 7)) & 0xf;
  insn.offset = static_cast<std::int16_t>(field(row.offset, offset));
  insn.imm = field(row.imm, imm);
  if (slots(row) == 1) return {insn};
  return {insn, {.imm = imm / 3}};
}

TEST(Assembler, ReadsWhatTheDisassemblerWritesForEveryRow) {
  for (const InsnRow& row : all_rows()) {
    for (const auto& [offset, imm] :
         {std::pair<std::int16_t, std::int32_t>{17, 99}, {-32768, INT32_MIN}, {0, -1}, {32767, INT32_MAX}}) {
      const auto insns = sample(row, offset, imm);
      const std::string text = disassemble(insns, 0);
      ASSERT_FALSE(text.starts_with('?')) << row.name;
      EXPECT_EQ(good(text), insns) << row.name << ": " << text;
    }
  }
}

TEST(Assembler, ReadsUnknownSlotsBack) {
  const std::vector<Insn> insns{{.opcode = 0xff, .dst = 1, .src = 2, .offset = 3, .imm = 4}};
  EXPECT_EQ(disassemble(insns, 0), "?? ff21030004000000");
  EXPECT_EQ(good("?? ff21030004000000"), insns);
}

TEST(Disassembler, ShowsATruncatedOrOddLddwAsUnknown) {
  const std::vector<Insn> cut{{.opcode = 0x18, .dst = 1}};
  EXPECT_EQ(disassemble(cut, 0), "?? 1801000000000000");
  const std::vector<Insn> odd{{.opcode = 0x18, .dst = 1}, {.opcode = 0x95}};
  EXPECT_EQ(disassemble(odd, 0), "?? 1801000000000000");
}

TEST(Assembler, ResolvesLabelsForwardsAndBackwards) {
  const auto insns = good(R"(
    start: mov r0, 0        # a label before its instruction
    jeq r0, 0, end
    lddw r1, 5              # two slots
    ja start
    gotol start
    call_local sub
    lddw_code r1, sub
  end:
    exit
  sub: exit)");
  ASSERT_EQ(insns.size(), 11U);
  EXPECT_EQ(insns[1].offset, 7);
  EXPECT_EQ(insns[4].offset, -5);
  EXPECT_EQ(insns[5].imm, -6);
  EXPECT_EQ(insns[6].imm, 3);
  EXPECT_EQ(insns[7].imm, 2);
}

TEST(Assembler, TakesHelpersByNameAndNumber) { EXPECT_EQ(good("call tail_call"), good("call 12")); }

TEST(Assembler, TakesImmediatesInEitherSpelling) {
  EXPECT_EQ(good("mov r1, 0xffffffff"), good("mov r1, -1"));
  EXPECT_EQ(good("lddw r1, 0xffffffffffffffff"), good("lddw r1, -1"));
  EXPECT_EQ(good("lddw r1, -9223372036854775808"), good("lddw r1, 0x8000000000000000"));
}

TEST(Assembler, SaysWhichLineIsWrongAndWhy) {
  EXPECT_EQ(bad("exit\nbogus r1"), "line 2: unknown instruction 'bogus'");
  EXPECT_EQ(bad("add r1"), "line 1: 'add' does not take 1 operands like these");
  EXPECT_EQ(bad("movsx8 r1, 5"), "line 1: 'movsx8' does not take 2 operands like these");
  EXPECT_EQ(bad("add 1, 2"), "line 1: '1' is no register (r0..r10)");
  EXPECT_EQ(bad("ldxw r1, r2"), "line 1: 'r2' is no address [rN+offset]");
  EXPECT_EQ(bad("ldxw r1, [r16]"), "line 1: 'r16' is no register (r0..r10)");
  EXPECT_EQ(bad("ldxw r1, [r2+x]"), "line 1: '+x' is no number");
  EXPECT_EQ(bad("ldxw r1, [r2+32768]"), "line 1: offset +32768 is out of range -32768..32767");
  EXPECT_EQ(bad("stxw [r1], 4"), "line 1: '4' is no register (r0..r10)");
  EXPECT_EQ(bad("mov r1, 0x100000000"), "line 1: 0x100000000 does not fit 32 bits");
  EXPECT_EQ(bad("mov r1, -2147483649"), "line 1: -2147483649 does not fit 32 bits");
  EXPECT_EQ(bad("mov r1, 5x"), "line 1: '5x' is no number");
  EXPECT_EQ(bad("mov r1,"), "line 1: '' is no number");
  EXPECT_EQ(bad("lddw r1, y"), "line 1: 'y' is no number");
  EXPECT_EQ(bad("lddw r1, -9223372036854775809"), "line 1: -9223372036854775809 does not fit 64 bits");
  EXPECT_EQ(bad("\n\nja nowhere"), "line 3: there is no label 'nowhere'");
  EXPECT_EQ(bad("a: exit\na: exit"), "line 2: label 'a' stands twice");
  EXPECT_EQ(bad("1a: exit"), "line 1: '1a' is no label name");
  EXPECT_EQ(bad("a b: exit"), "line 1: 'a b' is no label name");
  EXPECT_EQ(bad("call no_such_helper"), "line 1: there is no helper 'no_such_helper'");
  EXPECT_EQ(bad("?? 12"), "line 1: a raw slot is written as 16 hex digits");
  EXPECT_EQ(bad("?? 123456789012345g"), "line 1: a raw slot is written as 16 hex digits");
  EXPECT_EQ(bad("ldindw 4, 5"), "line 1: '4' is no register (r0..r10)");
}

TEST(Assembler, RefusesLabelsOutOfReach) {
  std::string text = "ja end\n";
  for (int i = 0; i < 32768; ++i) text += "exit\n";
  EXPECT_EQ(bad(text + "end: exit"), "line 1: label 'end' is 32768 slots away, a jump reaches -32768..32767");
}

}  // namespace
}  // namespace sluice::vm
