#include "tests/conformance/engines.h"

#include "tests/support/programs.h"

namespace sluice::testing_support {
namespace {

EngineResult interpret(const vm::VerifiedProgram& program, vm::MemoryContext memory, vm::ExecEnv& env, bool checked) {
  const vm::RunResult result = vm::interpret(program, memory, env, fake_helpers(), {.checked = checked});
  return {result.r0, result.fault ? result.fault->what : ""};
}

EngineResult plain(const vm::VerifiedProgram& program, vm::MemoryContext memory, vm::ExecEnv& env) {
  return interpret(program, memory, env, false);
}

EngineResult checked(const vm::VerifiedProgram& program, vm::MemoryContext memory, vm::ExecEnv& env) {
  return interpret(program, memory, env, true);
}

constexpr Engine kEngines[] = {
    {.name = "interp", .run = plain},
    {.name = "checked", .run = checked, .sees_errors = true},
};

}  // namespace

std::span<const Engine> engines() { return kEngines; }

}  // namespace sluice::testing_support
