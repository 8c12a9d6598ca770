#pragma once
// Walks all paths of a program depth first, cuts those that an explored state covers, and stops at the first demand
// that fails. Internal to the verifier.
#include "verifier/context.h"

namespace sluice::verifier {

// Everything from slot 0, then the global sub-programs that stand alone. Fills the recorder, `clear` and `frame_bytes`.
Check explore(Context& context, Statistics& statistics);

}  // namespace sluice::verifier
