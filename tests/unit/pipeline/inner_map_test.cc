// `inner:` of a map of maps, and the map that is put there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/unit/pipeline/loading.h"

namespace sluice::pipeline {
namespace {

using testing::HasSubstr;

std::string file(std::string_view maps) {
  return fmt::format(
      "programs: {{p: {{object: \"{}\"}}}}\npipelines: {{main: {{entry: p}}}}\nattach: [{{ports: [a], ingress: "
      "main}}]\n"
      "maps:\n{}",
      object("outer"), maps);
}

TEST(InnerMap, IsWhatTheFileSays) {
  const auto loading =
      load_text(file("  outer:\n"
                     "    inner: {type: hash, value_size: 8, max_entries: 16}\n"
                     "    entries: {1: table}\n"
                     "  table: {entries: {0: 3}}\n"));
  ASSERT_TRUE(loading->pipeline) << loading->said();
  const vm::Map* outer = nullptr;
  const vm::Map* table = nullptr;
  for (const NamedMap& map : loading->pipeline->maps()) {
    if (map.name == "outer") outer = map.map.get();
    if (map.name == "table") table = map.map.get();
  }
  ASSERT_NE(outer, nullptr);
  ASSERT_NE(outer->spec().inner, nullptr);
  EXPECT_EQ(outer->spec().inner->type, vm::MapType::kHash);
  EXPECT_EQ(outer->spec().inner->key_size, 4U);
  EXPECT_EQ(outer->spec().inner->value_size, 8U);
  EXPECT_EQ(outer->spec().inner->max_entries, 16U);
  const std::uint32_t key = 1;
  EXPECT_EQ(const_cast<vm::Map*>(outer)->lookup(reinterpret_cast<const std::byte*>(&key), 0),
            static_cast<const void*>(table));
}

TEST(InnerMap, IsMissedWhereNobodySaysIt) {
  EXPECT_THAT(load_text(file("  table: {entries: {0: 3}}\n"))->said(),
              HasSubstr("nothing says what its inner maps are like"));
}

TEST(InnerMap, MistakesAreTold) {
  const auto said = [](std::string_view inner, std::string_view map = "outer") {
    return load_text(file(fmt::format("  {}: {{inner: {}}}\n", map, inner)))->said();
  };
  EXPECT_THAT(said("{type: hush, max_entries: 4}"),
              HasSubstr("map outer: 'hush' is no type of map that can be inside another; did you mean 'hash'?"));
  EXPECT_THAT(said("{type: hash_of_maps, max_entries: 4}"), HasSubstr("is no type of map that can be inside another"));
  EXPECT_THAT(said("{type: array, key_size: 8, max_entries: 4}"), HasSubstr("map outer.inner: key"));
  EXPECT_THAT(said("{type: hash, max_entries: 4}", "table"), HasSubstr("map table is hash, and only maps of maps"));
}

TEST(InnerMap, DoesNotContradictTheObject) {
  const std::string text = "programs: {p: {object: \"" + object("inner") +
                           "\", function: last}}\npipelines: {main: {entry: p, on_pass: b}}\n"
                           "attach: [{ports: [a], ingress: main}]\nmaps: {levels: {inner: ";
  EXPECT_THAT(load_text(text + "{type: lpm_trie, key_size: 8, flags: 1, max_entries: 4}}}\n")->said(),
              HasSubstr("map levels: the object says already what is inside, and it is not this"));
}

}  // namespace
}  // namespace sluice::pipeline
