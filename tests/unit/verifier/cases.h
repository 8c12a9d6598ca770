#pragma once
// What all tests of the verifier share: maps with fixed numbers and a way to verify text.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "helpers/table.h"
#include "tests/support/programs.h"
#include "verifier/require.h"
#include "verifier/verifier.h"
#include "vm/maps/map.h"

namespace sluice::verifier::testing {

// 0 ARRAY 4/16 x4 · 1 HASH 8/16 x16 · 2 PROG_ARRAY x4 · 3 ARRAY 4/64 x1 · 4 DEVMAP x8 · 5 ARRAY 4/16 x1 read-only for
// programs · 6 PERCPU_ARRAY 4/16 x4 · 7 ARRAY 4/16 x4 write-only for programs · 8 frozen ARRAY 4/8 x1 that holds the
// bytes 01 02 .. 08
testing_support::Maps maps();

Outcome verify_text(std::string_view text, const Options& options = {}, const vm::ProgramType& type = vm::xdp_type(),
                    RuleSet rules = {});

// The code of the refusal, or "accepted".
std::string verdict(std::string_view text, const Options& options = {}, const vm::ProgramType& type = vm::xdp_type(),
                    RuleSet rules = {});

}  // namespace sluice::verifier::testing
