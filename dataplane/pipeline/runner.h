#pragma once
// One verified program made ready for one engine. The Pipeline holds one a stage; `prog run`, `exec` and tests use it
// alone. Making it is control path; `run` is data path (the interpreter engine allocates nothing either). The program's
// maps live in the VerifiedProgram; the helper table must outlive the Runner.
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "jit/jit.h"
#include "vm/interpreter.h"
#include "vm/program.h"

namespace sluice::pipeline {

enum class Engine : std::uint8_t { kInterp, kJit };
// "interp" or "jit"; empty result for other names ("opt" is known but not built: kUsage).
Result<Engine> engine_of(std::string_view name);
std::string_view engine_name(Engine engine) noexcept;

class Runner {
 public:
  static Result<Runner> make(vm::VerifiedProgram program, Engine engine, const vm::HelperTable& helpers);

  [[nodiscard]] const vm::VerifiedProgram& program() const noexcept { return *program_; }
  [[nodiscard]] Engine engine() const noexcept { return engine_; }
  // What prog arrays and devmap entries hold to reach this program; `stage` is what shows up in XdpContext::path.
  [[nodiscard]] vm::ProgramSlot slot(std::uint16_t stage) const noexcept;

  // Bytes of machine code; 0 when the engine is the interpreter.
  [[nodiscard]] std::size_t code_bytes() const noexcept { return compiled_ ? compiled_->code().size() : 0; }

  // Runs frames in order; raw verdicts out. Contexts must be reset (depth 0). `insns`, when not null, gets the number
  // of instructions executed, 0 from the JIT.
  void burst(vm::XdpContext* frames, unsigned n, std::uint32_t* verdicts, vm::ExecEnv& env,
             std::uint64_t* insns = nullptr) const;
  // A `memory` program.
  std::uint64_t run_memory(vm::MemoryContext memory, vm::ExecEnv& env, std::uint64_t* insns = nullptr) const;

 private:
  Runner() = default;
  std::unique_ptr<const vm::VerifiedProgram> program_;  // address stable: prog arrays point to it
  std::optional<jit::CompiledProgram> compiled_;
  const vm::HelperTable* helpers_ = nullptr;
  Engine engine_ = Engine::kInterp;
};

}  // namespace sluice::pipeline
