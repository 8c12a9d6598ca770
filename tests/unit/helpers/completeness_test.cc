// The table of helpers as a whole: every row is tested, documented and usable.
#include <cctype>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "helpers/table.h"
#include "tests/unit/helpers/support.h"
#include "vm/helper_desc.h"

namespace sluice::helpers::testing {
namespace {

// HelperTest makes sure that the tests of a suite call the row they are named after.
TEST(Completeness, EveryRowHasItsSuiteOfTests) {
  const auto& all = *::testing::UnitTest::GetInstance();
  std::set<std::string> tested;
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& suite = *all.GetTestSuite(i);
    if (suite.total_test_count() > suite.disabled_test_count()) tested.insert(row_name(suite.name()));
  }
  for (const vm::HelperDesc& row : table().rows()) {
    EXPECT_TRUE(tested.contains(std::string(row.name))) << "no suite of tests for bpf_" << row.name;
  }
}

TEST(Completeness, TheDocumentIsMadeFromTheTable) {
  std::ifstream file(SLUICE_DOCS "/helpers.md");
  ASSERT_TRUE(file) << SLUICE_DOCS "/helpers.md";
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, markdown());
  for (const vm::HelperDesc& row : table().rows()) {
    EXPECT_NE(text.find("| " + std::to_string(row.id) + " | `bpf_" + std::string(row.name) + "` |"), std::string::npos);
  }
}

TEST(Completeness, EveryRowHasTheKernelsNameAndASentence) {
  for (const vm::HelperDesc& row : table().rows()) {
    EXPECT_EQ(row.name, vm::kernel_helper_name(row.id));
    ASSERT_GT(row.doc.size(), 10U) << row.name;
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(row.doc.front())) != 0 && row.doc.back() == '.') << row.doc;
    EXPECT_EQ(row.doc.find_first_of("|\n"), std::string_view::npos) << row.doc;
  }
}

TEST(Completeness, FindGivesEachRowAndNothingElse) {
  std::set<std::int32_t> ids;
  for (const vm::HelperDesc& row : table().rows()) {
    EXPECT_EQ(table().find(row.id), &row);
    ids.insert(row.id);
  }
  EXPECT_EQ(ids.size(), table().rows().size());
  for (std::int32_t id = -2; id < 300; ++id) {
    EXPECT_EQ(table().find(id) != nullptr, ids.contains(id)) << id;
  }
}

// What the verifier relies on: a size stands behind its memory, a key or value behind its map; only what the engines do
// themselves has no function.
TEST(Completeness, ArgumentsOfEveryRowFitTogether) {
  using vm::ArgKind;
  for (const vm::HelperDesc& row : table().rows()) {
    const bool by_engine = row.effect == vm::Effect::kTailCall || row.effect == vm::Effect::kCallback;
    EXPECT_EQ(row.fn == nullptr, by_engine) << row.name;
    EXPECT_EQ(row.callback != vm::CallbackKind::kNone, row.effect == vm::Effect::kCallback) << row.name;
    bool map = false;
    for (std::size_t i = 0; i < row.args.size(); ++i) {
      const ArgKind kind = row.args[i];
      const ArgKind next = i + 1 < row.args.size() ? row.args[i + 1] : ArgKind::kNone;
      const bool is_memory = kind == ArgKind::kReadMem || kind == ArgKind::kReadMemOrNull ||
                             kind == ArgKind::kWriteMem || kind == ArgKind::kInOutMem ||
                             kind == ArgKind::kInOutMemOrNull;
      const bool is_fixed = kind == ArgKind::kFixedMem || kind == ArgKind::kFixedMemInOut;
      EXPECT_EQ(is_fixed, row.fixed_size[i] != 0) << row.name << " argument " << i + 1;
      EXPECT_EQ(is_memory, next == ArgKind::kSize || next == ArgKind::kSizeOrZero) << row.name << " argument " << i + 1;
      EXPECT_TRUE(map || (kind != ArgKind::kMapKey && kind != ArgKind::kMapValue && kind != ArgKind::kMapValueOut))
          << row.name;
      EXPECT_TRUE(kind != ArgKind::kNone || next == ArgKind::kNone) << row.name;
      map = map || kind == ArgKind::kConstMap;
    }
    EXPECT_EQ(map, !row.map_types.empty()) << row.name;
    EXPECT_TRUE(map || row.ret != vm::RetKind::kMapValueOrNull) << row.name;
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
