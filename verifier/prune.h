#pragma once
// Whether a state explored before covers another: then what was proven for it holds for the other too. Internal to the
// verifier.
#include "verifier/context.h"

namespace sluice::verifier {

// Which numbers count.
enum class Containment : std::uint8_t {
  kPrecise,    // those that decided something on the paths from `old`, see KeptStates::Node
  kMayMatter,  // those that might decide something, as a pass over the program tells
  kExact,      // all, of dead registers too
};

// Every concrete run from `fresh` is one from `old`, as far as anything that may still be read goes. Both are at the
// same slot. `precise`: the places of `old` that count for kPrecise. When it holds, `demanded` gets where the numbers
// of `fresh` come from that were compared; else it stays.
bool covers(const Context& context, const State& old, const State& fresh, Containment how, const Origins& precise,
            Origins& demanded);

// Hashes that tell states apart without a comparison.
struct Fingerprint {
  std::uint64_t shape = 0;   // equal where one covers the other, unless it is kAnyShape
  std::uint64_t values = 0;  // equal where both cover each other by kMayMatter or kExact
};
constexpr std::uint64_t kAnyShape = 0;
Fingerprint fingerprint(const Context& context, const State& state);

// `fresh` is not walked because another state covers it: slots it never wrote and that may be read must be cleared.
void note_unwritten_slots(Context& context, const State& fresh);

}  // namespace sluice::verifier
