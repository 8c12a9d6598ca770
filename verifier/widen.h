#pragma once
// What rounds of a helper that calls back change. Internal to the verifier.
#include "verifier/state.h"

namespace sluice::verifier {

// `before` and `now` stand at the same call, `now` a round later. Numbers of `now` that differ from what they were and
// decided nothing so far may have any value from here on: else no round would be like another. `precise`: the places of
// `before`, counted as in kept_states.cc, whose numbers decided something.
void widen(const State& before, const Origins& precise, State& now);

}  // namespace sluice::verifier
