#pragma once
// One program of the verifier's corpus: tests/verifier/{accept,reject}/NAME.data (assembler) or NAME.bpf.c (compiled by
// clang when the tests are built; line info names the source line). Comment lines in front of the program say
//     rule:     rejects: the row of verifier/require that it breaks, or `none`
//     code:     rejects: the code of the refusal
//     message:  rejects, optional: part of the refusal's message
//     why:      what is wrong, or what the case shows
//     kernel:   optional: `accepts, because ...`, `refuses, because ...` where that is not what Sluice does, or
//               `none, because ...` when the kernel cannot judge
//     type:     optional: a program type's name, else xdp
//     map:      assembler: TYPE KEY_SIZE VALUE_SIZE ENTRIES [rdonly|wronly|frozen|inner]; one line a map. A map of maps
//               goes on: of TYPE ..; such a map lies under the key 0
// A refused instruction or source line ends in `<-- refused`.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vm/maps/map.h"
#include "vm/program.h"

namespace sluice::testing_support {

struct VerifierCase {
  std::string name;  // file name
  bool in_c = false;
  std::string rule, code, message, why, kernel;
  std::optional<std::uint32_t> insn;  // assembler: slot of the refused instruction
  std::uint32_t line = 0;             // C: refused line, 0 = none
  vm::LoadedProgram program;          // bound to maps of its own
};

// Files of `folder` ("accept" or "reject"), ascending.
std::vector<std::string> case_names(const std::string& folder);
// The case with maps of its own, each time new. Stops the test binary when the file is not as described above.
VerifierCase read_case(const std::string& folder, const std::string& name);

// A map with one value of what the assembler cases' `map:` lines and the random programs need.
std::shared_ptr<vm::Map> make_case_map(const std::string& line);

}  // namespace sluice::testing_support
