#pragma once
// What instructions change. The demands of require hold before (or were switched off by a test: then the result is
// something harmless). Internal to the verifier.
#include <cstdint>
#include <optional>

#include "verifier/context.h"

namespace sluice::verifier {

constexpr bool is_move(vm::AluOp op) {
  return op == vm::AluOp::kMov || op == vm::AluOp::kMovsx8 || op == vm::AluOp::kMovsx16 || op == vm::AluOp::kMovsx32;
}
constexpr bool is_fetch(vm::AtomicOp op) { return op >= vm::AtomicOp::kFetchAdd; }

// How an ALU instruction treats its operands.
enum class AluShape : std::uint8_t {
  kNumbers,    // numbers in, a number out
  kCopy,       // dst becomes src, whatever that is
  kForgotten,  // a pointer goes in, an unknown number comes out
  kPointer,    // a pointer moves by a number; everything else that has a pointer in it is refused
};
AluShape alu_shape(const Context& context, const State& state, std::uint32_t slot);
// The second operand: a register or the immediate as it takes part (sign-extended).
Reg alu_operand(const Context& context, const State& state, std::uint32_t slot);

// Carries out the instruction at state.slot, which is no branch, local call or exit, and moves on to the next slot.
void transfer(Context& context, State& state);

// Decides the branch at state.slot. 2: `state` becomes the way that falls through and `taken` the other one; 1: one way
// is impossible, `state` becomes the other; 0: both are. Ways continue at their own slot.
unsigned branch_ways(Context& context, State& state, State& taken);

// --- memory.cc: the parts of transfer that read and write memory ---
void transfer_load(Context& context, State& state);
void transfer_store(Context& context, State& state);
void transfer_atomic(Context& context, State& state);
// The number in the `size` bytes of stack at `base`, when it is the same one on this path. Changes only ids.
std::optional<Reg> constant_behind(Context& context, const State& state, const Reg& base, unsigned size);
// A helper reads or writes up to `size` bytes through `base`.
void helper_memory(Context& context, State& state, const Reg& base, std::int64_t size, bool reads, bool writes);

}  // namespace sluice::verifier
