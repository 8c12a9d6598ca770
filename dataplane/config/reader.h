#pragma once
// YAML text to a tree of config::Value in which every node keeps its place. The only room that knows yaml-cpp, and the
// place where its traps are closed: duplicate keys, tags, depth (it recurses), alias bombs, characters that end its
// stream silently. Control path; values.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "dataplane/config/config.h"

namespace sluice::config {

constexpr std::size_t kLargestFile = 16U << 20U;  // bytes
constexpr unsigned kDeepestNesting = 100;         // mappings and lists inside one another, aliases expanded
constexpr std::size_t kMostNodes = 1'000'000;     // of one config with all it includes, aliases expanded

// What is left of kMostNodes; shared by all files of one config.
struct Budget {
  std::size_t nodes = kMostNodes;
};

// The tree of `text`, or nothing when it is no YAML document that Sluice takes; `diagnostics` then says why. Duplicate
// keys are reported and the tree is returned all the same (the first one stays), so that later mistakes show as well.
std::optional<Value> parse_yaml(std::string_view text, const std::string& file, const Sources& sources, Budget& budget,
                                Diagnostics& diagnostics);

// The bytes of `file` when it is a readable, not empty, not too large file of UTF-8 text. On failure `why` says what it
// is instead, and `line` (from 1; 0 = the whole file) where.
std::optional<std::string> read_text(const std::string& file, std::string& why, unsigned& line);

}  // namespace sluice::config
