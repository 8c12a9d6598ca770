#pragma once
// One file of conformance data. Sections start with `-- NAME`; `#` starts a comment before the first one.
//     -- asm      the program (docs/asm.md); `.repeat N INSN` stands for N times INSN
//     -- mem      hex: the memory r1 points to, r2 is its length; absent = r1 is 0
//     -- maps     a line a map: `array VALUE_SIZE ENTRIES [HEX OF THE FIRST VALUE ...]`
//     -- result   r0 afterwards
//     -- error    instead of a result: part of what the checked interpreter says
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/programs.h"

namespace sluice::testing_support {

struct ConformanceCase {
  std::string text;  // of section asm, `.repeat` written out
  std::vector<std::byte> memory;
  std::vector<std::string> maps;  // lines
  std::optional<std::uint64_t> result;
  std::string error;
};

// Names of all files without ".data", ascending.
std::vector<std::string> conformance_names();
// Stops the test binary when the file is not as described above.
ConformanceCase read_conformance(const std::string& name);
// The maps of a case, each time new.
Maps make_maps(const ConformanceCase& data);

}  // namespace sluice::testing_support
