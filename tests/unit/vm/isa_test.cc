#include "vm/isa.h"

#include <cstring>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "vm/asm.h"

namespace sluice::vm {
namespace {

bool matches(const InsnRow& row, const Insn& insn) {
  return row.opcode == insn.opcode && row.dst.matches(insn.dst) && row.src.matches(insn.src) &&
         row.offset.matches(insn.offset) && row.imm.matches(insn.imm);
}

TEST(Isa, RowsAreAscendingAndTheirNamesUnique) {
  std::set<std::string_view> names;
  unsigned last = 0;
  for (const InsnRow& row : all_rows()) {
    EXPECT_GE(row.opcode, last);
    last = row.opcode;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.mnemonic.empty()) << row.name;
    EXPECT_TRUE(row.version >= 1 && row.version <= 4) << row.name;
  }
}

TEST(Isa, NoTwoRowsMatchTheSameInstruction) {
  const auto rows = all_rows();
  const auto overlap = [](const FieldRule& a, const FieldRule& b) {
    return a.mode == FieldRule::Mode::kOperand || b.mode == FieldRule::Mode::kOperand || a.value == b.value;
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size() && rows[j].opcode == rows[i].opcode; ++j) {
      const InsnRow& a = rows[i];
      const InsnRow& b = rows[j];
      EXPECT_FALSE(overlap(a.dst, b.dst) && overlap(a.src, b.src) && overlap(a.offset, b.offset) &&
                   overlap(a.imm, b.imm))
          << a.name << " and " << b.name;
    }
  }
}

// Every opcode with every small value of the fields rows look at, against a plain walk over the table.
TEST(Isa, FindAgreesWithAWalkOverAllRows) {
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    for (unsigned src = 0; src < 16; ++src) {
      for (const std::int16_t offset : {0, 1, 2, 8, 16, 32, -1}) {
        for (const std::int32_t imm : {0, 1, 2, 16, 32, 64, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1, -1}) {
          Insn insn{.opcode = static_cast<std::uint8_t>(opcode), .offset = offset, .imm = imm};
          insn.src = src & 0xf;
          const InsnRow* expected = nullptr;
          for (const InsnRow& row : all_rows()) {
            if (matches(row, insn)) expected = &row;
          }
          ASSERT_EQ(find(insn), expected) << disassemble(std::span(&insn, 1), 0);
        }
      }
    }
  }
}

TEST(Isa, RandomBytesNeverCrashFindOrTheDisassembler) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200'000; ++round) {
    std::array<Insn, 2> insns;
    for (Insn& insn : insns) {
      const std::uint64_t bytes = random();
      std::memcpy(static_cast<void*>(&insn), &bytes, sizeof bytes);
    }
    const InsnRow* row = find(insns[0]);
    ASSERT_TRUE(row == nullptr || matches(*row, insns[0]));
    ASSERT_FALSE(disassemble(insns, 0).empty());
    ASSERT_FALSE(disassemble(insns, 1).empty());
  }
}

TEST(Isa, ReservedFieldsAreRefused) {
  EXPECT_EQ(find({.opcode = 0x95, .imm = 1}), nullptr) << "exit with imm";
  EXPECT_EQ(find({.opcode = 0x07, .src = 1}), nullptr) << "add imm with src";
  EXPECT_EQ(find({.opcode = 0xd4, .imm = 8}), nullptr) << "le8";
  EXPECT_EQ(find({.opcode = 0xbf, .offset = 4}), nullptr) << "movsx4";
  EXPECT_EQ(find({.opcode = 0xdb, .imm = 2}), nullptr) << "no such atomic";
}

TEST(Isa, JumpDistanceAndImmediatesComeFromTheRightField) {
  EXPECT_EQ(jump_distance(*find({.opcode = 0x05, .offset = -3}), {.opcode = 0x05, .offset = -3}), -3);
  EXPECT_EQ(jump_distance(*find({.opcode = 0x06, .imm = 70000}), {.opcode = 0x06, .imm = 70000}), 70000);
  const Insn pair[2] = {{.opcode = 0x18, .imm = -1}, {.imm = 0x12345678}};
  EXPECT_EQ(imm64(pair), 0x12345678ffffffffU);
  EXPECT_EQ(slots(*find(pair[0])), 2U);
}

}  // namespace
}  // namespace sluice::vm
