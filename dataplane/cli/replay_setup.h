#pragma once
// What verbs that replay captures have in common: from their options to loaded pipelines and inputs, and what a report
// means for the exit code. Speaks on stderr. Control path, one thread.
#include <optional>
#include <vector>

#include "dataplane/cli/load.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/config/config.h"
#include "dataplane/replay/replay.h"

namespace sluice::cli {

struct ReplaySetup {
  std::vector<pipeline::Engine> engines;  // at least one
  replay::ReplayOptions settings;
  config::Sources sources;
  std::optional<config::Config> config;
  std::vector<replay::Input> inputs;
  LoadedPipelines loaded;  // one an engine
};
// kOk, or the exit code after mistakes were printed.
int set_up(const Replay& options, ReplaySetup& setup);
// Prints damaged inputs, counters that do not add up and what engines do differently; the exit code.
int verdict_of(const replay::ReplayReport& report);

}  // namespace sluice::cli
