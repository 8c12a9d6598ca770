#pragma once
// `verify` by some of the rules only. Internal to the verifier: what it accepts without a rule proves nothing; tests
// run each rule's absence to see that somebody misses it. Any thread.
#include "verifier/require.h"

namespace sluice::verifier {

Outcome verify_by(RuleSet rules, vm::LoadedProgram program, const vm::HelperTable& helpers,
                  const Options& options = {});

}  // namespace sluice::verifier
