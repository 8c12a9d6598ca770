#pragma once
// A configuration made into a pipeline, with everything that is wrong with it printed to stderr. Control path.
#include <memory>

#include "dataplane/config/config.h"
#include "dataplane/pipeline/loader.h"

namespace sluice::cli {

struct LoadedPipeline {
  std::unique_ptr<pipeline::Pipeline> pipeline;  // null when something is wrong
  int exit = 0;                                  // then the exit code
};
// `quiet`: mistakes are printed, warnings are not.
LoadedPipeline load_pipeline(const config::Config& config, const config::Sources& sources,
                             const pipeline::LoadOptions& options, bool quiet);

}  // namespace sluice::cli
