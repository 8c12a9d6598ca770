#pragma once
// `inner:` of a map of maps, for objects that leave it to their loader what the maps inside are like. Control path.
#include <string>

#include "dataplane/config/config.h"
#include "vm/maps/map.h"

namespace sluice::pipeline {

// Puts it into the specification of the map that `map` names; empty, or why that cannot be.
std::string set_inner(const config::Map& map, vm::MapSpec& spec);

}  // namespace sluice::pipeline
