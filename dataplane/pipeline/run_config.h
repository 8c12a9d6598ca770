#pragma once
// What an object says of its programs' place among others: the structs that XDP_RUN_CONFIG (xdp/xdp_helpers.h of
// libxdp) leaves in the types of section ".xdp_run_config". Control path.
#include <cstdint>
#include <string_view>

#include "vm/btf.h"

namespace sluice::pipeline {

// A dispatcher goes on after this number whatever it was told: what a program returns that nobody put in place yet.
constexpr std::uint32_t kDispatcherReturn = 31;  // XDP_DISPATCHER_RETVAL

struct RunConfig {
  std::uint32_t priority = 50;         // libxdp runs lower ones first
  std::uint32_t continue_on = 1 << 2;  // bit v: after verdict v the next program runs; XDP_PASS
};

// Of the program `function`; the defaults above where nothing is said. `btf` may be null.
RunConfig run_config(const vm::Btf* btf, std::string_view function);

}  // namespace sluice::pipeline
