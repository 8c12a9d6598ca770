#include "dataplane/config/scalar.h"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

Value scalar(std::string text, bool quoted = false) {
  Value out;
  out.kind = Value::Kind::kScalar;
  out.scalar = std::move(text);
  out.quoted = quoted;
  return out;
}

std::optional<std::uint64_t> number(const std::string& text) {
  std::string why;
  return whole_number(scalar(text), why);
}

std::string why_no_number(const std::string& text, bool quoted = false) {
  std::string why;
  EXPECT_FALSE(whole_number(scalar(text, quoted), why)) << text;
  return why;
}

TEST(WholeNumber, IsDecimalOrHexadecimal) {
  EXPECT_EQ(number("0"), 0U);
  EXPECT_EQ(number("1500"), 1500U);
  EXPECT_EQ(number("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(number("0xFFffffffffffffff"), UINT64_MAX);
  EXPECT_EQ(number("0x0"), 0U);
}

TEST(WholeNumber, RefusesWhatOthersReadDifferently) {
  EXPECT_EQ(why_no_number("010"),
            "'010' has leading zeros, which some read as octal; write 10, or 0x8 if octal was meant");
  EXPECT_EQ(why_no_number("08"), "'08' has leading zeros, which some read as octal; write 8");
  EXPECT_EQ(why_no_number("00"),
            "'00' has leading zeros, which some read as octal; write 0, or 0x0 if octal was meant");
  for (const char* text : {"0o17", "0b1", "1_000", "+1", "-1", "1.0", "1e3", ".5", "0x", "0xg", "12a", "", "1:30"}) {
    EXPECT_FALSE(number(text)) << text;
  }
}

TEST(WholeNumber, SaysWhatItGotInstead) {
  EXPECT_EQ(why_no_number("18446744073709551616"), "18446744073709551616 is larger than any number here");
  EXPECT_EQ(why_no_number("0x10000000000000000"), "expected a whole number, got number 0x10000000000000000");
  EXPECT_EQ(why_no_number("12", true), "expected a whole number, got text \"12\"; take the quotes away");
  EXPECT_EQ(why_no_number("${N}"), "expected a whole number, got '${N}'; variables are for text only");
  EXPECT_EQ(why_no_number(std::string(100, 'a')), "expected a whole number, got '" + std::string(60, 'a') + "...'");
  std::string why;
  EXPECT_FALSE(whole_number(Value{}, why));
  EXPECT_EQ(why, "expected a whole number, got nothing");
}

TEST(Boolean, IsTrueOrFalseAndNothingElse) {
  std::string why;
  EXPECT_EQ(boolean(scalar("true"), why), true);
  EXPECT_EQ(boolean(scalar("false"), why), false);
  for (const char* text : {"yes", "no", "on", "off", "True", "FALSE", "y", "n", "0", "1", "", "~"}) {
    EXPECT_FALSE(boolean(scalar(text), why)) << text;
  }
  EXPECT_FALSE(boolean(scalar("true", true), why));
  EXPECT_EQ(why, "expected true or false, got text \"true\"; did you mean 'true'?");
}

TEST(TextValue, IsNotWhatLooksLikeANumber) {
  std::string why;
  for (const char* fine : {"eth0", "0000:3b:00.0", "198.51.100.7", "10:20:30:40:50:59", "1G", "v1", "-", "e3", "1e",
                           "0xzz", ".", "1.2.3", "yes", "2-5", "1e+x"}) {
    EXPECT_EQ(text(scalar(fine), why), fine);
  }
  for (const char* other : {"1", "-1", "+1", "1.5", ".5", "1e3", "1.e-3", "0x1f", "0o7", "0b1", "true", "false", ".inf",
                            "-.INF", ".nan", "1_0"}) {
    EXPECT_FALSE(text(scalar(other), why)) << other;
    EXPECT_EQ(text(scalar(other, true), why), other);
  }
}

TEST(MacAddress, HasSixPairsOfHexadecimalDigits) {
  EXPECT_EQ(mac_address("02:00:0a:FF:00:01"), (std::array<std::uint8_t, 6>{2, 0, 10, 255, 0, 1}));
  for (const char* bad : {"", "02:00:00:00:00", "02-00-00-00-00-01", "02:00:00:00:00:0g", "2:0:0:0:0:1:1:1:1",
                          "02:00:00:00:00:001", "+2:00:00:00:00:01", "0x:00:00:00:00:01"}) {
    EXPECT_FALSE(mac_address(bad)) << bad;
  }
}

TEST(ByteSize, TakesOneBinarySuffix) {
  EXPECT_EQ(byte_size("1024"), 1024U);
  EXPECT_EQ(byte_size("4K"), 4096U);
  EXPECT_EQ(byte_size("64M"), 64U << 20U);
  EXPECT_EQ(byte_size("1G"), 1U << 30U);
  EXPECT_EQ(byte_size("17179869183G"), 17179869183U << 30U);
  for (const char* bad : {"", "G", "1T", "1.5G", "-1", "01M", "1 G", "17179869184G", "99999999999999999999"}) {
    EXPECT_FALSE(byte_size(bad)) << bad;
  }
}

TEST(CoreList, ReadsNumbersAndRanges) {
  std::string why;
  EXPECT_EQ(core_list("2-5,7", why), (std::vector<unsigned>{2, 3, 4, 5, 7}));
  EXPECT_EQ(core_list("0", why), (std::vector<unsigned>{0}));
  EXPECT_EQ(core_list("7,2-2", why), (std::vector<unsigned>{7, 2}));
  for (const char* bad :
       {"", ",", "1,", "5-2", "1024", "a", "1-", "-1", "1--2", "1 - 2", "1,1", "0-5,3", "0-99999999999999999999"}) {
    EXPECT_FALSE(core_list(bad, why)) << bad;
  }
}

TEST(Substitute, ReplacesVariablesOnceAndOnlyOnce) {
  const Environment environment = {{"A", "eth0"}, {"EMPTY", ""}, {"NESTED", "${A}"}};
  std::string why;
  EXPECT_EQ(substitute("x${A}y${A}", environment, why), "xeth0yeth0");
  EXPECT_EQ(substitute("${EMPTY}", environment, why), "");
  EXPECT_EQ(substitute("${EMPTY:-d}", environment, why), "d");
  EXPECT_EQ(substitute("${NONE:-}", environment, why), "");
  EXPECT_EQ(substitute("${NONE:-a:-b}", environment, why), "a:-b");
  EXPECT_EQ(substitute("${NESTED}", environment, why), "${A}") << "what a variable holds is not looked at again";
  EXPECT_EQ(substitute("$$ $${A} $A $", environment, why), "$ ${A} $A $");
}

TEST(Substitute, SaysWhatIsWrong) {
  std::string why;
  EXPECT_FALSE(substitute("${NONE}", {}, why));
  EXPECT_EQ(why, "variable NONE is not set; ${NONE:-default} gives it a default");
  for (const char* bad : {"${", "${}", "${1A}", "${A B}", "${:-x}", "${A-b}"})
    EXPECT_FALSE(substitute(bad, {}, why)) << bad;
}

TEST(Describe, NamesEveryKindOfValue) {
  Value list;
  list.kind = Value::Kind::kSequence;
  Value mapping;
  mapping.kind = Value::Kind::kMapping;
  EXPECT_EQ(describe({}), "nothing");
  EXPECT_EQ(describe(list), "a list");
  EXPECT_EQ(describe(mapping), "a mapping");
  EXPECT_EQ(describe(scalar("true")), "true");
  EXPECT_EQ(describe(scalar("7")), "number 7");
  EXPECT_EQ(describe(scalar("7", true)), "text \"7\"");
  EXPECT_EQ(describe(scalar("eth0")), "'eth0'");
}

}  // namespace
}  // namespace sluice::config
