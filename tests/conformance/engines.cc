#include "tests/conformance/engines.h"

#include "jit/compile.h"
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

EngineResult compiled(const vm::VerifiedProgram& program, vm::MemoryContext memory, vm::ExecEnv& env,
                      jit::x86_64::Features features) {
  const Result<jit::CompiledProgram> code = jit::compile_for(program, fake_helpers(), features);
  if (!code) return {.error = code.error().message};
  return {.r0 = code->memory()(memory.data, memory.size, &env)};
}

EngineResult jit_native(const vm::VerifiedProgram& program, vm::MemoryContext memory, vm::ExecEnv& env) {
  return compiled(program, memory, env, jit::x86_64::detect_features());
}

// What a CPU without any extension gets.
EngineResult jit_baseline(const vm::VerifiedProgram& program, vm::MemoryContext memory, vm::ExecEnv& env) {
  return compiled(program, memory, env, {});
}

constexpr Engine kEngines[] = {
    {.name = "interp", .run = plain},
    {.name = "checked", .run = checked, .sees_errors = true},
    {.name = "jit", .run = jit_native, .sees_errors = true},
    {.name = "jit_baseline", .run = jit_baseline, .sees_errors = true},
};

}  // namespace

std::span<const Engine> engines() { return kEngines; }

}  // namespace sluice::testing_support
