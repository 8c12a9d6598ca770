#include "jit/disasm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/programs.h"

namespace sluice::jit {
namespace {

using testing::HasSubstr;

TEST(Disassemble, ListsTheEntryAndEverySlotWithItsBytes) {
  const auto program = testing_support::unverified("lddw r0, 5\nlsh r0, 32\nrsh r0, 32\nexit");
  const Result<CompiledProgram> compiled = compile(program, testing_support::fake_helpers());
  ASSERT_TRUE(compiled);
  const std::string text = disassemble(*compiled);
  EXPECT_THAT(text, testing::StartsWith("entry:\n"));
  EXPECT_THAT(text, HasSubstr("slot 0:\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("slot 1:\n")));  // the second half of lddw
  EXPECT_THAT(text, HasSubstr("slot 4:\n"));
  EXPECT_THAT(text, HasSubstr("b8 05 00 00 00"));  // mov eax, 5
}

TEST(Disassemble, CountsOffsetsFromWhereItIsTold) {
  const std::byte code[] = {std::byte{0x90}, std::byte{0xc3}};
  EXPECT_THAT(disassemble(code, 0x1234, 0), HasSubstr("1234:  90"));
}

TEST(Disassemble, GoesOnAfterBytesThatAreNoInstruction) {
  const std::byte code[] = {std::byte{0x06}, std::byte{0xc3}};  // 06 is none in 64-bit mode
  EXPECT_THAT(disassemble(code, 0, 0), HasSubstr("c3"));
}

}  // namespace
}  // namespace sluice::jit
