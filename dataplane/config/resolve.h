#pragma once
// Names inside one file: do they refer to something, and is nothing said twice? Objects are not looked into.
#include "base/diagnostics.h"
#include "dataplane/config/config.h"

namespace sluice::config {

// Gives ports without an ifindex theirs and reports every name that refers to nothing.
void resolve(Config& config, const Sources& sources, Diagnostics& diagnostics);

}  // namespace sluice::config
