#include "dataplane/cli/load.h"

#include <cstdio>

#include "dataplane/cli/common.h"
#include "helpers/table.h"

namespace sluice::cli {

LoadedPipeline load_pipeline(const config::Config& config, const config::Sources& sources,
                             const pipeline::LoadOptions& options, bool quiet) {
  pipeline::LoadReport report;
  LoadedPipeline loaded{.pipeline = pipeline::load(config, sources, helpers::table(), options, report)};
  if (loaded.pipeline == nullptr || !quiet) std::fputs(report.diagnostics.render().c_str(), stderr);
  if (loaded.pipeline != nullptr) return loaded;
  for (const pipeline::Rejected& rejected : report.rejected) std::fputs(rejected.text.c_str(), stderr);
  loaded.exit = kRejected;
  if (report.diagnostics.has_errors()) loaded.exit = kConfig;
  if (report.failure) loaded.exit = fail(*report.failure);
  return loaded;
}

}  // namespace sluice::cli
