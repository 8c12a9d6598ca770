// Files made to hurt: depth, size, bombs, and thousands of mutations of good ones. None may crash, hang or be believed.
#include <chrono>
#include <random>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "dataplane/config/reader.h"
#include "tests/unit/config/support.h"

namespace sluice::config {
namespace {

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string out;
  out.reserve(bytes + piece.size());
  while (out.size() < bytes) out += piece;
  return out;
}

constexpr std::size_t kTenMegabytes = 10U << 20U;

class Nesting : public testing::TestWithParam<const char*> {};

TEST_P(Nesting, OfTenMegabytesIsRefusedSoon) {
  const auto start = std::chrono::steady_clock::now();
  const Read read = read_string("version: 1\nx-deep: " + repeated(GetParam(), kTenMegabytes));
  EXPECT_FALSE(read.config);
  EXPECT_TRUE(read.diagnostics.has_errors());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}
INSTANTIATE_TEST_SUITE_P(Pieces, Nesting,
                         testing::Values("[", "{", "[{", "{a: ", "[[a, ", "? ", "{? ", "&a [", "!t [", "[\"", "- - "));

TEST(Hostile, BlockNestingIsLimitedToo) {
  std::string text = "version: 1\nx-a:\n";
  for (int i = 1; i < 300; ++i) text += std::string(i, ' ') + "a:\n";
  EXPECT_NE(read_string(text).text().find("nested more than 100 levels deep"), std::string::npos);
  std::string lists = "version: 1\nx-a:\n  ";
  for (int i = 1; i < 300; ++i) lists += "- ";
  EXPECT_NE(read_string(lists + "1\n").text().find("nested more than 100 levels deep"), std::string::npos);
}

TEST(Hostile, AHundredLevelsAreFine) {
  const std::string text = "version: 1\nx-a: " + std::string(99, '[') + "1" + std::string(99, ']') + "\n";
  EXPECT_TRUE(read_string(text).config) << read_string(text).text();
  const std::string deeper = "version: 1\nx-a: " + std::string(100, '[') + "1" + std::string(100, ']') + "\n";
  EXPECT_FALSE(read_string(deeper).config);
}

TEST(Hostile, NestingHiddenInAliasesIsCounted) {
  std::string text = "version: 1\nx-0: &a0 [1]\n";
  for (int i = 1; i < 120; ++i) {
    text += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_NE(read_string(text).text().find("nested more than 100 levels deep"), std::string::npos);
}

TEST(Hostile, TooManyValuesAreRefused) {
  Sources sources;
  Diagnostics diagnostics;
  Budget budget{.nodes = 1000};  // the same check with kMostNodes takes a minute under the sanitizers
  EXPECT_FALSE(parse_yaml(repeated("- 1\n", 10'000), "a.yaml", sources, budget, diagnostics));
  EXPECT_NE(diagnostics.render().find("more than 500000 values"), std::string::npos) << diagnostics.render();
  Budget enough{.nodes = 1000};
  EXPECT_TRUE(parse_yaml(repeated("- 1\n", 3'000), "a.yaml", sources, enough, diagnostics));
  EXPECT_EQ(enough.nodes, 1000U - 751U);
}

TEST(Hostile, ATextOrCommentOfMoreThanAMegabyteIsRefused) {
  for (const std::string& text :
       {'"' + repeated("a", 3U << 20U) + '"', "#" + repeated("a", 3U << 20U) + "\nx-b: 1", repeated("a", 3U << 20U)}) {
    const Read read = read_string("version: 1\nx-a: " + text + "\n");
    EXPECT_NE(read.text().find("of more than 1 MB"), std::string::npos) << read.text().substr(0, 1000);
  }
}

TEST(Hostile, AnchorsInsideAnchorsAreCounted) {
  std::string text = "version: 1\nx-a: ";
  for (int i = 0; i < 90; ++i) text += "&a" + std::to_string(i) + " [";
  text += repeated("1,", 20'000) + std::string(90, ']') + "\n";
  EXPECT_NE(read_string(text).text().find("more than 500000 values"), std::string::npos);
}

TEST(Hostile, FilesAboveSixteenMegabytesAreRefused) {
  const Read read = read_string("version: 1\n#" + std::string(kLargestFile, 'x'));
  EXPECT_NE(read.text().find("larger than 16 MB"), std::string::npos);
}

TEST(Hostile, ALineOfMegabytesIsShownShort) {
  const Read read = read_string("version: 1\nname: " + std::string(900'000, 'X') + "\n");
  EXPECT_FALSE(read.config);
  EXPECT_LT(read.text().size(), 2000U);
}

TEST(Hostile, WhatIsNoRegularTextFileIsRefused) {
  const TemporaryDirectory directory;
  EXPECT_NE(read_file(directory.path("")).text().find("is a directory"), std::string::npos);
  EXPECT_NE(read_file(directory.path("missing.yaml")).text().find("No such file"), std::string::npos);
  EXPECT_NE(read_file(directory.write("empty.yaml", "")).text().find("nothing in this file"), std::string::npos);
  EXPECT_NE(read_file("/dev/zero").text().find("larger than 16 MB"), std::string::npos);
  const std::string pipe = directory.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(read_file(pipe).text().find("nothing in this file"), std::string::npos) << "and it does not wait";
}

TEST(Hostile, OnlyCommentsAreNoConfig) {
  EXPECT_NE(read_string("# nothing\n").text().find("nothing in this file"), std::string::npos);
  EXPECT_NE(read_string("---\n").text().find("expected a mapping, got nothing"), std::string::npos);
}

TEST(Hostile, EveryWayNotToBeUtf8IsRefused) {
  for (const char* bytes : {"\x80", "\xc1\x81", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xef\xbf", "\xf0\x80\x80\x80",
                            "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff\xfe"}) {
    EXPECT_NE(read_string("version: 1\nname: \"" + std::string(bytes) + "\"\n").text().find("is not UTF-8"),
              std::string::npos);
  }
  EXPECT_TRUE(read_string("version: 1\nx-a: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n").config);
  for (const char* bytes : {"\x01", "\x1b[31m", "\x7f", "\r"}) {
    EXPECT_NE(read_string("version: 1\nx-a: \"" + std::string(bytes) + "\"\n").text().find("control character"),
              std::string::npos);
  }
}

TEST(Hostile, ZeroBytesCannotHideInText) {
  EXPECT_NE(read_string("version: 1\nports: {a: {device: \"x\\0y\"}}\n").text().find("zero byte"), std::string::npos);
  EXPECT_FALSE(read_string("version: 1\ninclude: [\"x\\0y\"]\n").config);
}

TEST(Hostile, QuotesThatAreNotClosedAreFound) {
  for (const char* text : {"name: 'edge\n", "name: \"edge\\\"\n", "name: 'it''s\n", "name: &a \"edge\n"}) {
    EXPECT_NE(read_string(std::string("version: 1\n") + text).text().find("the quote is not closed"), std::string::npos)
        << text;
  }
  EXPECT_TRUE(read_string("version: 1\nx-a: 'it''s'\nx-b: \"\\\"\"\nx-c: |\n  \"open\n").config);
}

class Mutations : public testing::TestWithParam<const char*> {};

// A text changed in one to four places: bytes, lines, snippets that mean something in YAML.
std::string mutated(std::string text, std::mt19937& random) {
  static constexpr const char* kSnippets[] = {"[",  "]", "{",  "}",  ": ",    "- ", "&a ",  "*a",   "!!int ",
                                              "\"", "'", "\n", "  ", "\t",    "#",  "null", "<<: ", "${",
                                              "|",  ">", "%",  "@",  "---\n", "? ", ","};
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  for (std::size_t i = 0, n = 1 + below(4); i < n && !text.empty(); ++i) {
    const std::size_t at = below(text.size());
    switch (below(5)) {
      case 0: text.erase(at, 1 + below(20)); break;
      case 1: text.insert(at, kSnippets[below(std::size(kSnippets))]); break;
      case 2: text[at] = static_cast<char>(0x20 + below(0x5f)); break;
      case 3: text.insert(at, text.substr(below(text.size()), 1 + below(80))); break;
      case 4: text[at] = static_cast<char>(below(256)); break;
    }
  }
  return text;
}

TEST_P(Mutations, NeverCrashAndAreReportedWithAPlace) {
  const std::string original = contents(tests_directory() / "config/good" / GetParam());
  ASSERT_FALSE(original.empty());
  const TemporaryDirectory directory;
  directory.write("edge-router.yaml", contents(tests_directory() / "config/good/edge-router.yaml"));
  std::mt19937 random(20240501);  // NOLINT: the same mutations on every run
  unsigned refused = 0;
  constexpr unsigned kRuns = 1500;
  for (unsigned run = 0; run < kRuns; ++run) {
    const Read read = read_file(directory.write("mutant.yaml", mutated(original, random)));
    ASSERT_NE(read.config.has_value(), read.diagnostics.has_errors());
    if (read.config) continue;
    ++refused;
    for (const Diagnostic& one : read.diagnostics.all()) {
      ASSERT_FALSE(one.code.empty());
      ASSERT_FALSE(one.message.empty());
      ASSERT_LE(one.line, 1000U);
    }
    ASSERT_FALSE(read.text().empty());
  }
  EXPECT_GT(refused, kRuns / 4);
}
INSTANTIATE_TEST_SUITE_P(Samples, Mutations,
                         testing::Values("edge-router.yaml", "edge-router.test.yaml", "l2-switch.yaml",
                                         "sockets.yaml"));

}  // namespace
}  // namespace sluice::config
