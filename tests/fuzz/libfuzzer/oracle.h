#pragma once
// What both libFuzzer targets demand of any sequence of instructions: the verifier answers, and what it accepts neither
// faults nor leaves its claims in the checked interpreter.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vm/isa.h"

namespace sluice::fuzz {

// Aborts when something is wrong. `frame` is what accepted programs run on.
void verify_and_run(std::vector<vm::Insn> insns, std::span<const std::uint8_t> frame);

// The targets: any bytes as slots; and bytes that choose rows of the instruction table, registers and small numbers, so
// that most of what comes out is an instruction.
void fuzz_raw(std::span<const std::uint8_t> bytes);
void fuzz_structured(std::span<const std::uint8_t> bytes);

}  // namespace sluice::fuzz
