#pragma once
// What `sluice replay` prints of a run: tables for people, JSON for programs. Control path, one thread.
#include <string>
#include <vector>

#include "dataplane/cli/verbs.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/replay/replay.h"

namespace sluice::cli {

struct ReplayPrint {
  const pipeline::Pipeline& pipeline;  // of the first engine
  std::vector<std::string> engines;
  const replay::ReplayReport& report;
};

// Ports, stages by verdict (their sum is the frames read), egress stages, drops by reason, records, speed; ends with a
// line end.
std::string replay_text(const ReplayPrint& run);
std::string replay_json(const ReplayPrint& run, const Replay& options);

}  // namespace sluice::cli
