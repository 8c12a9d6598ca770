#pragma once
// Fixtures of `prog run --maps`: the `maps:` section of a pipeline file, written into the maps of one object. Control
// path, one thread.
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "dataplane/cli/common.h"
#include "dataplane/config/config.h"

namespace sluice::cli {

struct Fixture {
  std::vector<config::Map> maps;
  config::Sources sources;
};

// Reads the file; mistakes are printed to stderr and the result is empty.
std::optional<Fixture> read_fixture(const std::string& path);
// What the fixture says about max_entries.
MapSizes map_sizes(const Fixture& fixture);
// Fills the maps of programs.object(). Values of prog arrays, and `program:` of devmap entries, are names of programs
// of the same object. kOk, or the exit code after mistakes were printed.
int apply_fixture(const Fixture& fixture, ReadyPrograms& programs);

}  // namespace sluice::cli
