#pragma once
// The contents of maps as `prog run --dump-maps` writes them: {"MAP":[{"key":"hex","value":"hex"},...]}, ascending by
// key bytes; values of per-CPU maps are the list of all CPUs' hex. Control path, one thread.
#include <string>

#include "dataplane/cli/common.h"

namespace sluice::cli {

std::string dump_maps(const OpenObject& object);

}  // namespace sluice::cli
