// What is read out of single lines of C.
#include <iterator>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "verifier/source.h"

namespace sluice::verifier {
namespace {

Accessed at(std::string_view line, std::string_view mark) {
  return accessed(line, static_cast<std::uint32_t>(line.find(mark) + 1));
}

TEST(Source, FindsThePointerOfAMember) {
  const Accessed found = at("  if (tcp->dest == 80)", "dest");
  EXPECT_EQ(found.pointer, "tcp");
  EXPECT_EQ(found.beyond, "(void *)(tcp + 1)");
  EXPECT_EQ(found.index, "");
}

TEST(Source, FindsThePointerOfADereference) {
  EXPECT_EQ(at("  if (*label == 0)", "*").beyond, "(void *)(label + 1)");
  const Accessed cast = at("  x = *(volatile __u8 *)ip & 15;", "*(");
  EXPECT_EQ(cast.pointer, "ip");
  EXPECT_EQ(cast.beyond, "(void *)((volatile __u8 *)ip + 1)");
  EXPECT_EQ(cast.whole, "*(volatile __u8 *)ip");
}

TEST(Source, FindsArrayAndIndex) {
  const Accessed member = at("  h->ttl[index] += 1;", "+=");
  EXPECT_EQ(member.array, "h->ttl");
  EXPECT_EQ(member.index, "index");
  EXPECT_EQ(at("  if (port[3] == 53)", "port").beyond, "(void *)(port + 4)");
  EXPECT_EQ(at("  if (port[i] == 53)", "port").beyond, "(void *)(port + (i) + 1)");
  EXPECT_EQ(at("  *(volatile __u64 *)&frames[8] = 1;", "= 1").index, "8");
}

TEST(Source, ReadsWhatIsLeftOfAnAssignment) {
  EXPECT_EQ(at("  ip6->hop_limit = 64;", "=").pointer, "ip6");
  EXPECT_EQ(at("  if (x) *value += 1;", "+=").pointer, "value");
}

TEST(Source, SaysNothingOfCallsAndOfColumnsOutside) {
  EXPECT_EQ(at("  __builtin_memcpy(&key, &ip6->saddr, 16);", "__b").pointer, "");
  EXPECT_EQ(accessed("short", 100).pointer, "");
  EXPECT_EQ(accessed("", 1).pointer, "");
  EXPECT_EQ(accessed("x->(", 1).pointer, "");
}

TEST(Source, NamesTheVariableThatIsAssigned) {
  EXPECT_EQ(assigned("  struct iphdr *ip = (void *)(eth + 1);"), "ip");
  EXPECT_EQ(assigned("  data = (void *)(long)ctx->data;"), "data");
  EXPECT_EQ(assigned("  label += *label + 1;"), "label");
  EXPECT_EQ(assigned("  *value = 1;"), "");
  EXPECT_EQ(assigned("  if (a == b) c = 1;"), "");
  EXPECT_EQ(assigned("  eth->h_proto = 8;"), "");
  EXPECT_EQ(assigned_value("  data = (void *)(long)ctx->data;"), "(void *)(long)ctx->data");
}

TEST(Source, TellsStatementsFromPartsOfThem) {
  EXPECT_TRUE(is_statement("  a = b;"));
  EXPECT_TRUE(is_statement("  a = f(b);  // so"));
  EXPECT_FALSE(is_statement("  a = f(b,"));
  EXPECT_FALSE(is_statement("  if (a) return 1;"));
  EXPECT_TRUE(begins_statement("  if (a) return 1;"));
  EXPECT_TRUE(begins_statement("  return *p;"));
  EXPECT_FALSE(begins_statement("  } else if (*p) {"));
  EXPECT_FALSE(begins_statement("  for (; *p; p++) {"));
  EXPECT_FALSE(begins_statement("      && *p) {"));
}

TEST(Source, SplitsCalls) {
  const std::vector<std::string> parts = call("  x = f(a, g(b, c), sizeof(d));", 7);
  EXPECT_EQ(parts, (std::vector<std::string>{"f", "a", "g(b, c)", "sizeof(d)"}));
  EXPECT_TRUE(call("  x = f(a,", 7).empty());
  EXPECT_TRUE(call("  x = y;", 7).empty());
}

TEST(Source, FindsConditions) {
  std::string keyword;
  EXPECT_EQ(condition("  while ((void *)(p + 2) <= end) {", keyword), "(void *)(p + 2) <= end");
  EXPECT_EQ(keyword, "while");
  EXPECT_EQ(condition("  notif (x)", keyword), "");
}

TEST(Source, FindsTheNameBehindCastsAndAnAddress) {
  EXPECT_EQ(last_name("(__be32 *)ip"), "ip");
  EXPECT_EQ(last_name("&key"), "key");
  EXPECT_EQ(last_name("a + b"), "");
}

// The lines come with the object: nobody vouches for them.
TEST(Source, TakesAnyText) {
  constexpr std::string_view kPieces[] = {"(", ")",  "[",   "]",     "->",  ".", "*",
                                          "&", "=",  "+=",  ";",     ",",   "{", "}",
                                          " ", "a",  "if",  "while", "for", "9", "99999999999999999999",
                                          "<", "//", "\xff"};
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string line;
    for (unsigned i = random() % 12; i > 0; --i) line += kPieces[random() % std::size(kPieces)];
    const std::uint32_t column = random() % 14;
    std::string keyword;
    accessed(line, column);
    call(line, column);
    is_statement(line);
    begins_statement(line);
    last_name(line);
    EXPECT_LE(assigned(line).size(), line.size());
    EXPECT_LE(assigned_value(line).size(), line.size());
    EXPECT_LE(condition(line, keyword).size(), line.size());
  }
}

}  // namespace
}  // namespace sluice::verifier
