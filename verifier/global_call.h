#pragma once
// Calls of global sub-programs, which are verified once for any arguments of the types they declare, whatever their
// callers hand over (kernel Documentation/bpf/verifier.rst). Internal to the verifier.
#include <array>
#include <cstdint>

#include "verifier/context.h"

namespace sluice::verifier {

// Whether the sub-program called at `slot` is verified on its own and its arguments are what it was verified for.
// `arguments` gets one letter a register r1..r5: 's' a number, 'c' the context, 'm' memory of as many bytes as the type
// says, read and written, or null where the sub-program takes null; '-' the sub-program does not read it. False: walk
// into it.
bool stands_alone(const Context& context, const State& state, std::uint32_t slot, std::array<char, 5>& arguments);
// What it is given for an 'm' in register `number`.
Reg lent_memory(Context& context, std::uint32_t subprogram, unsigned number);
// What such a call leaves: an unknown number, any bytes in the memory lent, and no packet pointers when it may move the
// packet.
void skip_subprogram(Context& context, State& state);

}  // namespace sluice::verifier
