#pragma once
// Machine code as text, for `prog dump jit`: by Zydis where that was found at build time (jit/zydis/), else as bytes
// (jit/hex/). Control path, any thread.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "jit/jit.h"

namespace sluice::jit {

// One line an instruction, `OFFSET:  BYTES  TEXT`; offsets count from `offset`, which is where `code` starts in the
// whole. `address` is where `code` runs.
std::string disassemble(std::span<const std::byte> code, std::uint32_t offset, std::uint64_t address);

// The whole program: the entry, then the code of each BPF slot under a line `slot N:`.
std::string disassemble(const CompiledProgram& program);

}  // namespace sluice::jit
