#pragma once
// Fixtures: what the maps and global variables of one object hold before its programs run, outside a pipeline. A file
// with the `maps:` section of a pipeline file and `globals:` of one of its programs (docs/prog.md). `prog run --maps`,
// `bench --maps` and tests read it here. Control path, one thread.
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/result.h"
#include "dataplane/config/config.h"
#include "vm/elf.h"

namespace sluice::pipeline {

struct Fixture {
  config::Fixture contents;
  config::Sources sources;
};

// Empty when there were mistakes, which `diagnostics` then holds.
std::optional<Fixture> read_fixture(const std::string& path, Diagnostics& diagnostics);

// Before maps are made: their max_entries, and the values of globals.
void prepare(const Fixture& fixture, vm::ElfObject& object, Diagnostics& diagnostics);

// The object whose maps are filled.
struct FixtureTarget {
  const vm::ElfObject& object;
  std::span<const std::shared_ptr<vm::Map>> maps;  // as object.maps; null = could not be made
  std::span<const std::string> unmade;             // as `maps`: why not
  // The program of that name in the object, ready to run, for prog arrays and entries of devmaps. An Error of kind
  // kUsage is the fixture's mistake, others end the filling.
  std::function<Result<const vm::ProgramSlot*>(const std::string& name)> program;
};
// The maps that the fixture gives a reader, each at its place in `target.maps`; others are null.
std::vector<std::shared_ptr<vm::Map>> read_maps(const Fixture& fixture, const FixtureTarget& target);
// Mistakes of the fixture go to `diagnostics`; the Error is one of FixtureTarget::program.
Result<void> fill(const Fixture& fixture, const FixtureTarget& target, Diagnostics& diagnostics);

}  // namespace sluice::pipeline
