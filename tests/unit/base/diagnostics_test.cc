#include "base/diagnostics.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Diagnostic at(unsigned line, unsigned column, std::string message) {
  return {.file = "a.yaml",
          .line = line,
          .column = column,
          .width = 5,
          .code = "config-range",
          .message = std::move(message),
          .source_line = "    mtu: 99999"};
}

TEST(Diagnostics, RenderGivesPlaceCodeMessageAndCaret) {
  EXPECT_EQ(render(at(4, 10, "out of range")),
            "a.yaml:4:10: error[config-range]: out of range\n"
            "       4 |     mtu: 99999\n"
            "         |          ^~~~~\n");
}

TEST(Diagnostics, AreSortedByPlace) {
  Diagnostics all;
  all.add({.file = "a", .line = 9, .message = "second"});
  all.add({.file = "a", .line = 2, .message = "first"});
  EXPECT_EQ(all.render(), "a:2: error: first\na:9: error: second\n");
  EXPECT_EQ(all.errors(), 2U);
}

TEST(Diagnostics, AWarningIsNoError) {
  Diagnostics all;
  all.add({.severity = Severity::kWarning, .file = "a", .message = "odd"});
  EXPECT_FALSE(all.has_errors());
  EXPECT_EQ(all.render(), "a: warning: odd\n");
}

TEST(Diagnostics, ControlCharactersOfTheInputAreShownNotSent) {
  EXPECT_EQ(printable("a\x1b[31m\n"), "a\\x1b[31m\\x0a");
}

TEST(Diagnostics, ACaretPastTheLineIsLeftOut) {
  Diagnostic d = at(1, 400, "x");
  EXPECT_EQ(render(d), "a.yaml:1:400: error[config-range]: x\n       1 |     mtu: 99999\n");
}

TEST(Nearest, FindsATypingMistakeAndNothingFar) {
  constexpr std::string_view kKeys[] = {"ports", "programs", "mtu"};
  EXPECT_EQ(nearest("mtuu", kKeys), "mtu");
  EXPECT_EQ(nearest("prgrams", kKeys), "programs");
  EXPECT_EQ(nearest("elephant", kKeys), "");
  EXPECT_EQ(nearest("", kKeys), "");
}

}  // namespace
}  // namespace sluice
