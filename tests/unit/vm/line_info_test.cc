#include "vm/line_info.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::vm {
namespace {

using testing::HasSubstr;

// Strings: 1 "xdp", 5 "a.c", 9 "x = 1;".
Btf strings() {
  const std::uint32_t header[] = {0x0001eb9f, 24, 0, 0, 0, 16};
  std::vector<std::byte> bytes(40);
  std::memcpy(bytes.data(), header, 24);
  std::memcpy(bytes.data() + 24, "\0xdp\0a.c\0x = 1;", 16);
  auto btf = Btf::parse(bytes);
  EXPECT_TRUE(btf);
  return std::move(*btf);
}

std::vector<std::byte> section(std::initializer_list<std::uint32_t> body, std::uint32_t line_off = 0) {
  const auto size = static_cast<std::uint32_t>(4 * body.size());
  const std::uint32_t header[] = {0x0001eb9f, 24, 0, 0, line_off, size};
  std::vector<std::byte> bytes(24 + size);
  std::memcpy(bytes.data(), header, 24);
  if (size != 0) std::memcpy(bytes.data() + 24, body.begin(), size);
  return bytes;
}

TEST(LineInfo, RecordsAreSortedAndSplitIntoLineAndColumn) {
  const Btf btf = strings();
  const auto info = parse_line_info(section({16, 1, 2, 24, 5, 9, 7 << 10 | 3, 0, 5, 0, 6 << 10}), btf);
  ASSERT_TRUE(info);
  const auto& lines = info->at("xdp");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].insn, 0U);
  EXPECT_EQ(lines[0].line, 6U);
  EXPECT_EQ(lines[0].column, 0U);
  EXPECT_EQ(lines[1].insn, 3U);
  EXPECT_EQ(lines[1].line, 7U);
  EXPECT_EQ(lines[1].column, 3U);
  EXPECT_EQ(lines[1].file, "a.c");
  EXPECT_EQ(lines[1].text, "x = 1;");
}

TEST(LineInfo, LongerRecordsOfLaterCompilersAreRead) {
  const auto info = parse_line_info(section({20, 1, 2, 0, 5, 9, 7 << 10, 0, 8, 5, 9, 8 << 10, 0}), strings());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->at("xdp").size(), 2U);
  EXPECT_EQ(info->at("xdp")[1].line, 8U);
}

TEST(LineInfo, NoRecordsAreNoLines) {
  const auto info = parse_line_info(section({}), strings());
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->empty());
}

TEST(LineInfo, DamagedSectionsAreRefused) {
  const Btf btf = strings();
  const auto refusal = [&btf](const std::vector<std::byte>& bytes) {
    const auto info = parse_line_info(bytes, btf);
    return info ? std::string("accepted") : info.error().message;
  };
  EXPECT_THAT(refusal({}), HasSubstr("no header"));
  auto magic = section({16});
  magic[0] = std::byte{0};
  EXPECT_THAT(refusal(magic), HasSubstr("magic"));
  EXPECT_THAT(refusal(section({16}, 4)), HasSubstr("outside"));
  EXPECT_THAT(refusal(section({16}, 0xfffffff0)), HasSubstr("outside"));
  EXPECT_THAT(refusal(section({8, 1, 0})), HasSubstr("line records have 8 bytes"));
  EXPECT_THAT(refusal(section({16, 1})), HasSubstr("cut off"));
  EXPECT_THAT(refusal(section({16, 1, 1, 0, 5, 9})), HasSubstr("cut off"));
  EXPECT_THAT(refusal(section({16, 1, 0xffffffff, 0, 5, 9, 1})), HasSubstr("cut off"));
  auto shorter = section({16});
  shorter[20] = std::byte{2};  // two bytes of records
  EXPECT_THAT(refusal(shorter), HasSubstr("cut off"));
}

}  // namespace
}  // namespace sluice::vm
