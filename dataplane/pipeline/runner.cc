#include "dataplane/pipeline/runner.h"

#include <string>

#include "base/check.h"

namespace sluice::pipeline {

Result<Engine> engine_of(std::string_view name) {
  if (name == "interp") return Engine::kInterp;
  if (name == "jit") return Engine::kJit;
  if (name == "opt") return Error{ErrorCode::kUsage, "engine 'opt' is not built into this binary"};
  return Error{ErrorCode::kUsage, "unknown engine '" + std::string(name) + "', expected interp, jit or opt"};
}

std::string_view engine_name(Engine engine) noexcept {
  switch (engine) {
    case Engine::kInterp: return "interp";
    case Engine::kJit: return "jit";
  }
  return {};
}

Result<Runner> Runner::make(vm::VerifiedProgram program, Engine engine, const vm::HelperTable& helpers) {
  Runner runner;
  runner.program_ = std::make_unique<const vm::VerifiedProgram>(std::move(program));
  runner.helpers_ = &helpers;
  runner.engine_ = engine;
  if (engine == Engine::kJit) {
    auto compiled = jit::compile(*runner.program_, helpers);
    if (!compiled) return std::move(compiled).error().in("compile " + runner.program_->name());
    runner.compiled_ = std::move(compiled).value();
  }
  return runner;
}

vm::ProgramSlot Runner::slot(std::uint16_t stage) const noexcept {
  vm::ProgramSlot slot{.program = program_.get(), .stage = stage};
  if (compiled_) {
    slot.entry = compiled_->frame_entry();
    slot.burst = reinterpret_cast<const void*>(compiled_->burst());
  }
  return slot;
}

void Runner::burst(vm::XdpContext* frames, unsigned n, std::uint32_t* verdicts, vm::ExecEnv& env,
                   std::uint64_t* insns) const {
  SLUICE_DCHECK(program_->program().type->context == vm::ContextKind::kXdp);
  std::uint64_t executed = 0;
  if (compiled_) {
    compiled_->burst()(frames, n, verdicts, &env);
  } else {
    for (unsigned i = 0; i < n; ++i) {
      const vm::RunResult result = vm::interpret(*program_, frames[i], env, *helpers_);
      verdicts[i] = static_cast<std::uint32_t>(result.r0);
      executed += result.insns;
    }
  }
  if (insns != nullptr) *insns = executed;
}

std::uint64_t Runner::run_memory(vm::MemoryContext memory, vm::ExecEnv& env, std::uint64_t* insns) const {
  SLUICE_DCHECK(program_->program().type->context == vm::ContextKind::kMemory);
  if (compiled_) {
    if (insns != nullptr) *insns = 0;
    return compiled_->memory()(memory.data, memory.size, &env);
  }
  const vm::RunResult result = vm::interpret(*program_, memory, env, *helpers_);
  if (insns != nullptr) *insns = result.insns;
  return result.r0;
}

}  // namespace sluice::pipeline
