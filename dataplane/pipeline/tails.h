#pragma once
// What prog arrays hold from the start, because their object says so: `.values`, sections of iproute2, `tail:` tags.
// Control path.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/config/config.h"
#include "dataplane/pipeline/fixture.h"
#include "vm/elf.h"

namespace sluice::pipeline {

// Fills the prog arrays that `entry`, and the programs that are put there, use. Errors are those of
// FixtureTarget::program, or a program that does not fit its array.
Result<void> fill_prog_arrays(const FixtureTarget& target, const vm::LoadedProgram& entry);

// The prog arrays with programs in them from the start that `program` uses, as indices into ElfObject::maps.
std::vector<std::size_t> filled_arrays(const vm::ElfObject& object, const vm::LoadedProgram& program);

// A slot that is filled although the pipeline file does not say so.
struct ImpliedTail {
  std::size_t user = 0;  // a program of the configuration whose object declares the array
  std::string map;
  std::uint32_t key = 0;
  std::size_t program = 0;  // of the configuration
};
// Adds to `config` the programs that those in it reach through such arrays, as programs of the same object called
// "PROGRAM/FUNCTION". Objects that cannot be read are left to whoever reads them for good.
std::vector<ImpliedTail> add_implied_programs(config::Config& config);

}  // namespace sluice::pipeline
