#pragma once
// The composition root: a configuration to a Pipeline that can run. Loads each object once, sets globals, makes and
// shares maps, fills them, verifies and compiles programs, wires prog arrays and devmap entries, and checks that every
// path ends somewhere. Collects all mistakes. Names inside the configuration are resolved already: it comes from
// read_config. Control path; `helpers` must outlive the Pipeline.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/result.h"
#include "dataplane/config/config.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/runner.h"
#include "vm/helper_desc.h"

namespace sluice::pipeline {

struct LoadOptions {
  Engine engine = Engine::kJit;
  unsigned cpus = 1;  // possible CPUs: slots of per-CPU maps
  bool allow_ptr_leaks = false;
};

// An object or program that cannot be used: exit 4.
struct Rejected {
  std::string program;  // name in the configuration
  std::string text;     // as printed, ending with a line end
};

// What is known of a program once it is loaded.
struct StageInfo {
  std::string name, object, function, section;
  bool verified = false;
  std::uint32_t insns = 0, processed = 0, states = 0, stack = 0;
  std::uint64_t microseconds = 0;  // of verification
  std::size_t code_bytes = 0;      // machine code; 0 from the interpreter
};

// One filled prog array slot that a stage calls.
struct Edge {
  std::string pipeline, from, to, map;
  std::uint32_t slot = 0;
};

struct LoadReport {
  Diagnostics diagnostics;         // mistakes of the configuration: exit 3; warnings
  std::vector<Rejected> rejected;  // exit 4
  std::optional<Error> failure;    // the machine is at fault: exit 5
  std::vector<StageInfo> stages;   // in the order of `programs:`
  std::vector<Edge> edges;
};

// Null when something is wrong; `report` then says all of it.
std::unique_ptr<Pipeline> load(const config::Config& config, const config::Sources& sources,
                               const vm::HelperTable& helpers, const LoadOptions& options, LoadReport& report);

}  // namespace sluice::pipeline
