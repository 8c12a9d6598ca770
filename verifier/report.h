#pragma once
// Turns a failure into the author's terms: source place, line, notes. Internal to the verifier.
#include "verifier/require.h"

namespace sluice::verifier {

Rejection make_rejection(Failure failure, const vm::LoadedProgram& program);

}  // namespace sluice::verifier
