// Every file of tests/config/broken is refused with exactly the text that stands beside it. To rewrite the texts after
// a deliberate change: SLUICE_REBASE=1 build/test/tests/unit/config/config_test --gtest_filter='Broken*', then review.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/config/support.h"

namespace sluice::config {
namespace {

std::filesystem::path broken_directory() { return tests_directory() / "config/broken"; }

std::vector<std::string> broken_files() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(broken_directory())) {
    if (entry.path().extension() == ".yaml") out.push_back(entry.path().stem().string());
  }
  std::ranges::sort(out);
  return out;
}

class Broken : public testing::TestWithParam<std::string> {};

TEST_P(Broken, IsRefusedWithTheTextBesideIt) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(broken_directory());  // so that no path of this machine is in the text
  const Read read = read_file(GetParam() + ".yaml");
  std::filesystem::current_path(before);
  EXPECT_FALSE(read.config);
  EXPECT_TRUE(read.diagnostics.has_errors());
  const std::filesystem::path expected = broken_directory() / (GetParam() + ".expected");
  if (std::getenv("SLUICE_REBASE") != nullptr) std::ofstream(expected, std::ios::binary) << read.text();
  EXPECT_EQ(read.text(), contents(expected));
}

INSTANTIATE_TEST_SUITE_P(Files, Broken, testing::ValuesIn(broken_files()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(BrokenFiles, AreMoreThanForty) { EXPECT_GE(broken_files().size(), 40U); }

}  // namespace
}  // namespace sluice::config
