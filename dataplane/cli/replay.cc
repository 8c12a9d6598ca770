// sluice replay CONFIG -i PORT=CAPTURE... [-o DIR/ | -o 'out/%p.pcapng'] [--engine E]...
#include <cstdio>

#include "dataplane/cli/common.h"
#include "dataplane/cli/replay_report.h"
#include "dataplane/cli/replay_setup.h"
#include "dataplane/cli/verbs.h"

namespace sluice::cli {

int replay(const Replay& options) {
  ReplaySetup setup;
  if (const int wrong = set_up(options, setup); wrong != kOk) return wrong;
  auto report = replay::replay(setup.loaded.pipelines, setup.inputs, setup.settings);
  if (!report) return fail(report.error());

  ReplayPrint run{.pipeline = *setup.loaded.pipelines[0], .engines = {}, .report = *report};
  for (const pipeline::Engine engine : setup.engines) run.engines.emplace_back(pipeline::engine_name(engine));
  if (options.common.json) {
    std::fputs(replay_json(run, options).c_str(), stdout);
  } else if (!options.common.quiet) {
    std::fputs(replay_text(run).c_str(), stdout);
  }
  return verdict_of(*report);
}

}  // namespace sluice::cli
