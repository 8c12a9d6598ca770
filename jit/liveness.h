#pragma once
// Which registers are still read behind an instruction: what it computes only for others need not be computed, or can
// be part of the one instruction that reads it. Not what verifier/liveness finds, which counts all that may decide a
// program's fate: here it is what an engine's code reads, of a look-up perhaps nothing. Pure: any thread.
#include <cstdint>
#include <functional>

#include "jit/lower.h"

namespace sluice::jit {

// r1..r5 as a mask of registers: what a call may read.
constexpr std::uint16_t kArguments = 0x3e;

// Whether an instruction does nothing but to compute what it writes to its dst: then it is not needed where nobody
// reads that.
bool only_computes(vm::Kind kind);

// Sets Op::live of each reachable instruction. `reads`: of a kCallHelper, the registers that its code reads.
void find_live(Lowered& lowered, const std::function<std::uint16_t(const Op&)>& reads);

}  // namespace sluice::jit
