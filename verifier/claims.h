#pragma once
// What the walk says of registers, for tests and engines (vm::Facts::claims). Internal to the verifier.
#include "verifier/context.h"

namespace sluice::verifier {

// Joins the registers of `state` to what was said at its slot; `first`: nothing was yet.
void record_claims(Context& context, const State& state, bool first);

}  // namespace sluice::verifier
