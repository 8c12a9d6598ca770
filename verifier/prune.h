#pragma once
// Whether a state explored before covers another: then what was proven for it holds for the other too. Internal to the
// verifier.
#include "verifier/context.h"

namespace sluice::verifier {

// Every concrete run from `fresh` is one from `old`, as far as anything that may still be read goes. Both are at the
// same slot. `exact`: dead and imprecise registers count too.
bool covers(const Context& context, const State& old, const State& fresh, bool exact);

// `fresh` is not walked because another state covers it: slots it never wrote and that may be read must be cleared.
void note_unwritten_slots(Context& context, const State& fresh);

}  // namespace sluice::verifier
