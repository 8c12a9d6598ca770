#pragma once
// What combines trees: an included file below the file that includes it, and `--set` on top of all. Pure.
#include <string>
#include <string_view>

#include "dataplane/config/config.h"

namespace sluice::config {

// `over` on top of `base`: mappings are merged key by key, all else of `over` replaces, null takes the key away.
void merge(Value& base, Value over);

// Puts `value` at `path` ("ports.wan0.mtu", "attach.0.ingress"), making mappings on the way; null takes the key away.
// Keys that contain dots are found when they are there. False, with `why`, when the path leads through a scalar, a list
// index is out of range, or the path is malformed.
bool set_at(Value& root, std::string_view path, Value value, std::string& why);

}  // namespace sluice::config
