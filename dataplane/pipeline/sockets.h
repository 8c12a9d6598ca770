#pragma once
// The sockets of one pipeline, from its configuration: what socket look-ups find.
#include <memory>

#include "dataplane/config/config.h"
#include "vm/sockets.h"

namespace sluice::pipeline {

// `config` is resolved. Null when it lists none.
std::unique_ptr<const vm::Sockets> make_sockets(const config::Config& config);

}  // namespace sluice::pipeline
