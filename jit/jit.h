#pragma once
// The door of the JIT: machine code for a verified program. Baseline x86-64, DESIGN section 4. `compile` is control
// path, any thread; the entries are called by workers. A CompiledProgram owns its code: nobody may be inside when it
// dies, and the maps and helpers it refers to must outlive it.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "vm/exec_env.h"
#include "vm/helper_desc.h"
#include "vm/program.h"
#include "vm/xdp.h"

namespace sluice::jit {

// Contexts in, raw verdicts (r0's low 32 bits) out, in order. Sets env->frame for each. Tail calls jump, they do not
// nest: 33 a frame, counted in XdpContext::depth, which the caller set to 0.
using BurstEntry = void (*)(vm::XdpContext* frames, unsigned n, std::uint32_t* verdicts, vm::ExecEnv* env) noexcept;
// A `memory` program: r1 = data, r2 = size; returns r0.
using MemoryEntry = std::uint64_t (*)(std::byte* data, std::uint64_t size, vm::ExecEnv* env) noexcept;

class CodeRegion;

class CompiledProgram {
 public:
  CompiledProgram(CompiledProgram&&) noexcept;
  CompiledProgram& operator=(CompiledProgram&&) noexcept;
  ~CompiledProgram();

  // Null for `memory` programs.
  [[nodiscard]] BurstEntry burst() const noexcept { return burst_; }
  // Null for XDP programs.
  [[nodiscard]] MemoryEntry memory() const noexcept { return memory_; }
  // What a tail call jumps to: goes into ProgramSlot::entry.
  [[nodiscard]] const void* frame_entry() const noexcept { return frame_entry_; }
  // The machine code, readable (pages are execute and read): for `prog dump jit` and tests.
  [[nodiscard]] std::span<const std::byte> code() const noexcept;
  // Offset in code() of each instruction slot, ascending; one more for the end.
  [[nodiscard]] std::span<const std::uint32_t> offsets() const noexcept { return offsets_; }

 private:
  friend class Compiler;
  CompiledProgram();
  std::unique_ptr<CodeRegion> region_;
  BurstEntry burst_ = nullptr;
  MemoryEntry memory_ = nullptr;
  const void* frame_entry_ = nullptr;
  std::vector<std::uint32_t> offsets_;
};

// Fails when memory for code cannot be had (kEnvironment), and with kProgram for what the verifier refuses too.
Result<CompiledProgram> compile(const vm::VerifiedProgram& program, const vm::HelperTable& helpers);

}  // namespace sluice::jit
