#include "dataplane/pipeline/value_text.h"

#include <gtest/gtest.h>

namespace sluice::pipeline {
namespace {

TEST(ParseInteger, TakesDecimalAndHexadecimalWithASign) {
  EXPECT_EQ(parse_integer("42")->magnitude, 42U);
  EXPECT_EQ(parse_integer("0x2A")->magnitude, 42U);
  EXPECT_EQ(parse_integer("18446744073709551615")->magnitude, UINT64_MAX);
  const auto minus = parse_integer("-7");
  EXPECT_TRUE(minus->negative);
  EXPECT_EQ(minus->magnitude, 7U);
  EXPECT_FALSE(parse_integer("-0")->negative);
}

TEST(ParseInteger, RefusesWhatIsAmbiguousOrNoNumber) {
  for (const char* text :
       {"", "-", "010", "00", "0x", "1 ", " 1", "+1", "1e3", "1_000", "18446744073709551616", "true"}) {
    EXPECT_FALSE(parse_integer(text)) << text;
  }
}

TEST(ParseMac, TakesSixPairsOfHexDigits) {
  EXPECT_EQ(format_mac(*parse_mac("02:00:0A:bb:Cc:ff")), "02:00:0a:bb:cc:ff");
  for (const char* text :
       {"", "02:00:0a:bb:cc", "02-00-0a-bb-cc-ff", "2:0:a:b:c:f", "02:00:0a:bb:cc:fg", "02:00:0a:bb:cc:ff:00"}) {
    EXPECT_FALSE(parse_mac(text)) << text;
  }
}

TEST(ParseAddress, FollowsInetPton) {
  EXPECT_EQ(format_ipv4(*parse_ipv4("192.0.2.1")), "192.0.2.1");
  EXPECT_EQ(format_ipv6(*parse_ipv6("2001:DB8:0::1")), "2001:db8::1");
  EXPECT_FALSE(parse_ipv4("192.0.2"));
  EXPECT_FALSE(parse_ipv4("192.0.2.256"));
  EXPECT_FALSE(parse_ipv4(""));
  EXPECT_FALSE(parse_ipv6("2001:db8"));
  EXPECT_FALSE(parse_ipv6(std::string(100, ':')));
  EXPECT_FALSE(parse_ipv4(std::string_view("1.2.3.4\0", 8)));
}

TEST(ParseHex, TakesPairsOfDigitsWithBlanks) {
  EXPECT_EQ(format_hex(*parse_hex("0a00 00FF")), "0a0000ff");
  EXPECT_TRUE(parse_hex("")->empty());
  EXPECT_FALSE(parse_hex("0a0"));
  EXPECT_FALSE(parse_hex("0x0a"));
}

TEST(SplitPrefix, SeparatesAddressAndLength) {
  EXPECT_EQ(split_prefix("10.0.0.0/8")->address, "10.0.0.0");
  EXPECT_EQ(split_prefix("10.0.0.0/8")->length, 8U);
  EXPECT_FALSE(split_prefix("10.0.0.1")->length);
  EXPECT_FALSE(split_prefix("10.0.0.0/"));
  EXPECT_FALSE(split_prefix("10.0.0.0/-1"));
  EXPECT_FALSE(split_prefix("10.0.0.0/4294967296"));
}

TEST(ClearHostBits, KeepsThePrefixAndTellsWhetherAnythingWasBehindIt) {
  auto address = *parse_ipv4("10.129.255.255");
  EXPECT_TRUE(clear_host_bits(address, 9));
  EXPECT_EQ(format_ipv4(address), "10.128.0.0");
  EXPECT_FALSE(clear_host_bits(address, 9));
  EXPECT_FALSE(clear_host_bits(address, 32));
  EXPECT_TRUE(clear_host_bits(address, 0));
  EXPECT_EQ(format_ipv4(address), "0.0.0.0");
}

}  // namespace
}  // namespace sluice::pipeline
