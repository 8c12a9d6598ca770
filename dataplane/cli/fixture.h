#pragma once
// `--maps` of verbs that run programs of one object: dataplane/pipeline/fixture.h with words on stderr and exit codes.
// Control path, one thread.
#include <memory>
#include <optional>
#include <string>

#include "dataplane/cli/common.h"
#include "dataplane/pipeline/fixture.h"
#include "dataplane/pipeline/rings.h"

namespace sluice::cli {

// Reads the file; mistakes are printed to stderr and the result is empty.
std::optional<pipeline::Fixture> read_fixture(const std::string& path);
// Fills the maps of programs.object(). Values of prog arrays, and `program:` of devmap entries, are names of programs
// of the same object. kOk, or the exit code after mistakes were printed.
int apply_fixture(const pipeline::Fixture& fixture, ReadyPrograms& programs, const vm::LoadedProgram& entry);

// The reader of the maps that the fixture gives one (`reader: true`), by their index in `object.maps`.
Result<std::unique_ptr<pipeline::RingReader>> open_readers(const pipeline::Fixture& fixture, const OpenObject& object);

}  // namespace sluice::cli
