#pragma once
// The differences from the kernel that docs/differences.md lists, as far as verdicts show them: which
// refusal belongs to which row. The only place where the fuzzer forgives.
#include <string_view>

#include "vm/program.h"

namespace sluice::fuzz {

// The row for what the kernel refuses with these last words and Sluice accepts; empty = none. `knows_more`: Sluice
// refuses it too when it knows no more than Linux (Options::as_linux). `nobody_there`: Sluice finds no way to the
// instruction that the kernel refuses.
std::string_view reason_to_accept(int error, std::string_view words, bool knows_more, bool nobody_there);
// The row for what Sluice refuses with this code and message and the kernel accepts; empty = none.
std::string_view reason_to_refuse(const vm::LoadedProgram& program, std::string_view code, std::string_view message);

}  // namespace sluice::fuzz
