#pragma once
// A configuration made into pipelines, with everything that is wrong with it printed to stderr. Control path.
#include <memory>
#include <vector>

#include "dataplane/config/config.h"
#include "dataplane/pipeline/loader.h"

namespace sluice::cli {

// One pipeline an engine; `exit` is the exit code when something is wrong.
struct LoadedPipelines {
  std::vector<std::unique_ptr<pipeline::Pipeline>> pipelines;
  int exit = 0;
};
// How many workers the file says there are, on whatever machine; 1 when it says nothing.
unsigned stated_workers(const config::Workers& workers);
// For `cpus` CPUs, 0 = as many as the file has workers. `quiet`: mistakes are printed, warnings are not.
LoadedPipelines load_pipelines(const config::Config& config, const config::Sources& sources,
                               const std::vector<pipeline::Engine>& engines, bool quiet, unsigned cpus = 0);

}  // namespace sluice::cli
