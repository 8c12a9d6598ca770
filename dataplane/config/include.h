#pragma once
// A pipeline file with all it includes, as one tree. Control path.
#include <optional>
#include <string>

#include "base/diagnostics.h"
#include "dataplane/config/config.h"
#include "dataplane/config/scalar.h"

namespace sluice::config {

constexpr unsigned kDeepestInclude = 16;  // files including one another
constexpr unsigned kMostIncludes = 256;   // files of one config, the same file counted each time

// The merged tree of `path`. Every file read is added to `sources`. Nothing when a file cannot be read or is no YAML;
// `diagnostics` then says why, and has the mistakes of the others as well.
std::optional<Value> load_tree(const std::string& path, const Environment& environment, Sources& sources,
                               Diagnostics& diagnostics);

// The tree of one file, without looking at `include`.
std::optional<Value> load_file(const std::string& path, Sources& sources, Diagnostics& diagnostics);

}  // namespace sluice::config
