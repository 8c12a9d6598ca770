#pragma once
// The engines the conformance data runs on. To add one, add a row to engines.cc; nothing else changes.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vm/exec_env.h"
#include "vm/interpreter.h"
#include "vm/program.h"

namespace sluice::testing_support {

struct EngineResult {
  std::uint64_t r0 = 0;
  std::string error;  // empty = the program ran to its end
};

struct Engine {
  std::string_view name;
  // Runs a `memory` program once, with fake_helpers().
  EngineResult (*run)(const vm::VerifiedProgram& program, vm::MemoryContext memory, vm::ExecEnv& env);
  // Whether it tells programs no verifier accepts from others; those that do not are not asked to run them.
  bool sees_errors = false;
};

std::span<const Engine> engines();

}  // namespace sluice::testing_support
