#pragma once
// Generated conformance cases: every computing row of the instruction table (vm/isa.h) with every pair of edge operands
// (edge_operands.h), and what model.h says comes out. Many cases make one program, so that thousands cost a few loads:
// each has its own bytes of one block of memory, where it finds its operands and leaves its results; afterwards the
// whole block must be what the model made of it. Operands come from memory, so that neither a verifier nor a compiler
// can work a case out beforehand. Registers change from case to case.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vm/isa.h"

namespace sluice::testing_support {

// One instruction on given operands.
struct GeneratedCase {
  const vm::InsnRow* row = nullptr;
  vm::Insn insn;                 // registers, offset and imm set
  std::int32_t upper = 0;        // imm of the second slot of lddw
  std::uint64_t dst = 0;         // what the registers hold before: the first operand ...
  std::uint64_t src = 0;         // ... the second ...
  std::uint64_t r0 = 0;          // ... and what compare-and-exchange compares with
  std::uint64_t window[2] = {};  // memory around the access; it starts `at` bytes behind the start of the window
  std::uint32_t at = 0;
  // No verifier takes it, Linux's neither: an immediate that divides by zero or shifts by the width or more.
  bool refused = false;
};

// Every case of a row; none for rows that compute nothing (jumps without a condition, calls, exit, references to maps)
// and for those that no verifier takes (loads by LD_ABS and LD_IND).
std::vector<GeneratedCase> cases_of(const vm::InsnRow& row);
// "add64_reg: r3 = 0x1, r7 = 0x2"
std::string describe(const GeneratedCase& c);

struct Batch {
  std::vector<vm::Insn> body;            // finds the address of the block in [r10 - 8]; ends by falling off its end
  std::vector<std::byte> before, after;  // the block; `after` by the model
  struct Place {
    std::size_t offset;  // in the block
    GeneratedCase what;
  };
  std::vector<Place> places;  // ascending

  // The case that a byte of the block belongs to.
  [[nodiscard]] const GeneratedCase& at(std::size_t offset) const;
};

// The cases in as few batches as the reach of an offset allows, at most 32 KiB of block each.
std::vector<Batch> batches(std::span<const GeneratedCase> cases);

// Whole programs. Of type `memory`: r1 points to the block; r0 is 0 at the end.
std::vector<vm::Insn> memory_program(const Batch& batch);
// The same, but r0 is hash(block): for those who see nothing else.
std::vector<vm::Insn> hashing_program(const Batch& batch);
std::uint64_t hash(std::span<const std::byte> block);
// Of type XDP: the block is the value of the array that the program refers to as map 0; returns XDP_PASS.
std::vector<vm::Insn> map_program(const Batch& batch);

}  // namespace sluice::testing_support
