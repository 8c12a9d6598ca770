#pragma once
// The differences from the kernel that docs/differences.md lists, as far as verdicts show them: which words of a
// refusal belong to which row. The only place where the fuzzer forgives.
#include <string_view>

namespace sluice::fuzz {

// The row for what the kernel refuses with these words at the end of its log and Sluice accepts; empty = none.
std::string_view reason_to_accept(std::string_view kernel_log);
// The row for what Sluice refuses with this code and message and the kernel accepts; empty = none.
std::string_view reason_to_refuse(std::string_view code, std::string_view message);

}  // namespace sluice::fuzz
