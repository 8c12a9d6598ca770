#pragma once
// What `sluice run` prints when it ends. Control path, one thread.
#include <string>
#include <vector>

#include "dataplane/cli/verbs.h"
#include "dataplane/io/live.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/rings.h"

namespace sluice::cli {

struct RunPrint {
  const pipeline::Pipeline& pipeline;
  const io::LiveReport& report;
  std::vector<pipeline::RingCounters> rings;
  double seconds = 0;
  std::string ended;  // "duration", "SIGTERM", "SIGINT"
};

std::string run_text(const RunPrint& run);
std::string run_json(const RunPrint& run, const Run& options);

}  // namespace sluice::cli
