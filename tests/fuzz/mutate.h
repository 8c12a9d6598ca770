#pragma once
// Changes to programs as instructions: one token for the fuzzer's mutants, and cutting pieces out to make a finding
// short. Jumps and calls keep their targets when slots go.
#include <cstdint>
#include <functional>
#include <random>

#include "vm/program.h"

namespace sluice::fuzz {

// Changes one token (operation, register, offset, immediate, an instruction doubled, swapped or dropped) somewhere;
// what comes out may be no instruction.
void mutate(vm::LoadedProgram& program, std::mt19937_64& random);

// `program` without the `count` slots from `first` on. Sub-programs are found again.
vm::LoadedProgram without(const vm::LoadedProgram& program, std::size_t first, std::size_t count);

// The shortest that can be reached by cutting pieces out while `same` holds.
vm::LoadedProgram shrink(vm::LoadedProgram program, const std::function<bool(const vm::LoadedProgram&)>& same);

}  // namespace sluice::fuzz
