// The model that generated cases are compared with, against numbers worked out by hand from RFC 9669.
#include <array>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/conformance/model.h"

namespace sluice::testing_support {
namespace {

const vm::InsnRow& row_named(std::string_view name) {
  for (const vm::InsnRow& row : vm::all_rows()) {
    if (row.name == name) return row;
  }
  std::abort();
}

struct Sum {
  std::string_view row;
  std::uint64_t dst, operand, expected;
};
constexpr std::uint64_t kLeast = 0x8000'0000'0000'0000;
constexpr std::uint64_t kMinusOne = 0xffff'ffff'ffff'ffff;
constexpr Sum kSums[] = {
    {"add64_reg", kMinusOne, 2, 1},
    {"add32_reg", 0x5'ffff'ffff, 2, 1},
    {"sub64_reg", 0, 1, kMinusOne},
    {"sub32_reg", 0, 1, 0xffff'ffff},
    {"mul64_reg", 0x1'0000'0001, 0xffff'ffff, kMinusOne},
    {"mul32_reg", 0x1'0001, 0xffff, 0xffff'ffff},
    {"div64_imm", kMinusOne, kMinusOne, 1},
    {"div64_reg", 7, 0, 0},
    {"div32_reg", 0x1'0000'0007, 2, 3},
    {"sdiv64_reg", kLeast, kMinusOne, kLeast},
    {"sdiv64_reg", static_cast<std::uint64_t>(-7), 2, static_cast<std::uint64_t>(-3)},
    {"sdiv32_reg", 0x8000'0000, 0xffff'ffff, 0x8000'0000},
    {"mod64_reg", 7, 0, 7},
    {"mod32_reg", 0x1'0000'0007, 0, 7},
    {"smod64_reg", static_cast<std::uint64_t>(-13), 3, static_cast<std::uint64_t>(-1)},
    {"smod64_reg", 13, static_cast<std::uint64_t>(-3), 1},
    {"smod64_reg", kLeast, kMinusOne, 0},
    {"smod32_reg", 0xffff'fff3, 3, 0xffff'ffff},
    {"and64_reg", 0xff00, 0x0ff0, 0x0f00},
    {"or64_imm", 1, 0xffff'ffff'8000'0000, 0xffff'ffff'8000'0001},
    {"xor32_reg", kMinusOne, 1, 0xffff'fffe},
    {"lsh64_reg", 1, 63, kLeast},
    {"lsh64_reg", 3, 64, 3},
    {"lsh32_reg", 3, 33, 6},
    {"lsh32_reg", kMinusOne, 31, 0x8000'0000},
    {"rsh64_reg", kLeast, 63, 1},
    {"rsh32_reg", 0x1'8000'0000, 31, 1},
    {"arsh64_reg", kLeast, 63, kMinusOne},
    {"arsh32_reg", 0x8000'0000, 4, 0xf800'0000},
    {"arsh32_reg", 0x8000'0000, 32, 0x8000'0000},
    {"neg64", 1, 0, kMinusOne},
    {"neg32", 1, 0, 0xffff'ffff},
    {"mov32_reg", 0, kMinusOne, 0xffff'ffff},
    {"movsx8_64", 0, 0x80, 0xffff'ffff'ffff'ff80},
    {"movsx8_32", 0, 0x80, 0xffff'ff80},
    {"movsx16_32", 0, 0x1'7fff, 0x7fff},
    {"movsx32_64", 0, 0x8000'0000, 0xffff'ffff'8000'0000},
};

TEST(Model, ComputesWhatTheDocumentSays) {
  for (const Sum& sum : kSums) {
    EXPECT_EQ(model::alu(row_named(sum.row), sum.dst, sum.operand), sum.expected)
        << sum.row << " " << std::hex << sum.dst << " " << sum.operand;
  }
}

TEST(Model, SwapsBytes) {
  EXPECT_EQ(model::endian(row_named("bswap64"), 0x0102'0304'0506'0708), 0x0807'0605'0403'0201U);
  EXPECT_EQ(model::endian(row_named("be16"), 0x0102'0304'0506'0708), 0x0807U);
  EXPECT_EQ(model::endian(row_named("le32"), 0x0102'0304'0506'0708), 0x0506'0708U);
}

TEST(Model, Compares) {
  EXPECT_TRUE(model::jumps(row_named("jgt_reg"), kMinusOne, 1));
  EXPECT_FALSE(model::jumps(row_named("jsgt_reg"), kMinusOne, 1));
  EXPECT_TRUE(model::jumps(row_named("jeq32_reg"), 0x1'0000'0001, 1));
  EXPECT_FALSE(model::jumps(row_named("jeq_reg"), 0x1'0000'0001, 1));
  EXPECT_TRUE(model::jumps(row_named("jslt32_reg"), 0x8000'0000, 0x7fff'ffff));
  EXPECT_FALSE(model::jumps(row_named("jset_reg"), 0xf0, 0x0f));
}

TEST(Model, ReadsAndWritesTheLeastByteFirst) {
  std::array<std::byte, 8> bytes{};
  model::store(row_named("stxw"), 0x1122'3344'8586'8788, bytes);
  EXPECT_EQ(std::to_integer<int>(bytes[0]), 0x88);
  EXPECT_EQ(std::to_integer<int>(bytes[4]), 0);
  EXPECT_EQ(model::load(row_named("ldxh"), bytes), 0x8788U);
  EXPECT_EQ(model::load(row_named("ldxsw"), bytes), 0xffff'ffff'8586'8788U);
}

TEST(Model, ExchangesWhatIsEqual) {
  std::array<std::byte, 8> bytes{};
  bytes[0] = std::byte{5};
  std::uint64_t src = 9;
  std::uint64_t r0 = 0x1'0000'0005;
  model::atomic(row_named("atomic_cmpxchg64"), bytes, src, r0);
  EXPECT_EQ(r0, 5U);
  EXPECT_EQ(std::to_integer<int>(bytes[0]), 5);
  r0 = 0x1'0000'0005;
  model::atomic(row_named("atomic_cmpxchg32"), bytes, src, r0);
  EXPECT_EQ(r0, 5U);
  EXPECT_EQ(std::to_integer<int>(bytes[0]), 9);
  model::atomic(row_named("atomic_fetch_add64"), bytes, src, r0);
  EXPECT_EQ(src, 9U);
  EXPECT_EQ(std::to_integer<int>(bytes[0]), 18);
}

}  // namespace
}  // namespace sluice::testing_support
