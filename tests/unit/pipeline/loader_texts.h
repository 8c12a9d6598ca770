#pragma once
// What the tests of the loader share: configurations, and what stands in the maps of a Pipeline.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/pipeline/loading.h"

namespace sluice::pipeline {

// Programs from line 3 on: p, each a line.
inline std::string programs(const std::vector<std::pair<std::string, std::string>>& list,
                            const std::string& name = "stages") {
  std::string text = "programs:\n";
  for (const auto& [program, function] : list) {
    text += "  " + program + ": {object: \"" + object(name) + "\", function: " + function + "}\n";
  }
  return text;
}

inline const std::string kChain = programs({{"entry", "entry"}, {"last", "last"}}) +
                                  "pipelines:\n"
                                  "  main: {entry: entry, tail_calls: {jumps: {SLOT_B: last}}, on_pass: b}\n"
                                  "attach: [{ports: [a], ingress: main}]\n";

inline vm::Map* map_named(const Pipeline& pipeline, std::string_view name) {
  for (const NamedMap& map : pipeline.maps()) {
    if (map.name == name) return map.map.get();
  }
  return nullptr;
}

inline std::uint64_t read_u64(const Pipeline& pipeline, std::string_view map, std::uint32_t key) {
  std::uint64_t value = 0;
  EXPECT_EQ(
      map_named(pipeline, map)->read(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<std::byte*>(&value)),
      0);
  return value;
}

inline const std::string kTwoObjects =
    "programs:\n  entry: {object: \"" + object("stages") + "\", function: entry}\n  last: {object: \"" +
    object("other") +
    "\", function: last}\n"
    "pipelines:\n  main: {entry: entry, tail_calls: {jumps: {1: last}}, on_pass: b}\n"
    "attach: [{ports: [a], ingress: main}]\n";

}  // namespace sluice::pipeline
