#include "dataplane/cli/load.h"

#include <algorithm>
#include <cstdio>

#include "dataplane/cli/common.h"
#include "helpers/table.h"

namespace sluice::cli {

unsigned stated_workers(const config::Workers& workers) {
  return workers.count != 0 ? workers.count : std::max(1U, static_cast<unsigned>(workers.cores.size()));
}

LoadedPipelines load_pipelines(const config::Config& config, const config::Sources& sources,
                               const std::vector<pipeline::Engine>& engines, bool quiet, unsigned cpus) {
  LoadedPipelines loaded;
  if (cpus == 0) cpus = stated_workers(config.workers);
  for (const pipeline::Engine engine : engines) {
    pipeline::LoadReport report;
    auto made = pipeline::load(config, sources, helpers::table(), {.engine = engine, .cpus = cpus}, report);
    const bool first = loaded.pipelines.empty();  // the others would say the same
    if (first && (made == nullptr || !quiet)) std::fputs(report.diagnostics.render().c_str(), stderr);
    if (made == nullptr) {
      for (const pipeline::Rejected& rejected : report.rejected) std::fputs(rejected.text.c_str(), stderr);
      loaded.exit = kRejected;
      if (report.diagnostics.has_errors()) loaded.exit = kConfig;
      if (report.failure) loaded.exit = fail(*report.failure);
      return loaded;
    }
    loaded.pipelines.push_back(std::move(made));
  }
  return loaded;
}

}  // namespace sluice::cli
