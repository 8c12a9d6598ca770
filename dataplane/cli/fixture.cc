#include "dataplane/cli/fixture.h"

#include <fmt/format.h>

#include "dataplane/pipeline/tails.h"

namespace sluice::cli {

std::optional<pipeline::Fixture> read_fixture(const std::string& path) {
  Diagnostics diagnostics;
  auto fixture = pipeline::read_fixture(path, diagnostics);
  fmt::print(stderr, "{}", diagnostics.render());
  return fixture;
}

int apply_fixture(const pipeline::Fixture& fixture, ReadyPrograms& programs, const vm::LoadedProgram& entry) {
  const OpenObject& object = programs.object();
  const auto find = [&](const std::string& name) -> Result<const vm::ProgramSlot*> {
    const auto program = choose_program(object.object, name);
    if (!program) return Error{ErrorCode::kUsage, program.error().message};
    const auto ready = programs.get(**program);
    if (!ready) return ready.error();
    return &(*ready)->slot;
  };
  const pipeline::FixtureTarget target{
      .object = object.object, .maps = object.maps, .unmade = object.unmade, .program = find};
  if (const auto wired = pipeline::fill_prog_arrays(target, entry); !wired) return fail(wired.error());
  Diagnostics diagnostics;
  const auto filled = pipeline::fill(fixture, target, diagnostics);
  if (!filled) return fail(filled.error());
  fmt::print(stderr, "{}", diagnostics.render());
  return diagnostics.has_errors() ? kConfig : kOk;
}

Result<std::unique_ptr<pipeline::RingReader>> open_readers(const pipeline::Fixture& fixture, const OpenObject& object) {
  const pipeline::FixtureTarget target{
      .object = object.object, .maps = object.maps, .unmade = object.unmade, .program = {}};
  return pipeline::RingReader::open(pipeline::read_maps(fixture, target), {.ordered = true});
}

}  // namespace sluice::cli
