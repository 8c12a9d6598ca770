// `sluice run` of a build without DPDK.
#include "base/result.h"
#include "dataplane/cli/common.h"

namespace sluice::cli {

int run(const Run& /*options*/) {
  return fail(
      {ErrorCode::kEnvironment, "this build has no live ports; install libdpdk-dev and build again: ./run build"});
}

std::string live_version() { return "dpdk: not in this build"; }

}  // namespace sluice::cli
