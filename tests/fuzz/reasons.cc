#include "tests/fuzz/reasons.h"

#include <algorithm>
#include <cerrno>

#include "vm/maps/map.h"

namespace sluice::fuzz {
namespace {

// Where one of the verifiers refuses with words that only this reason has.
struct Accepted {
  int error;
  std::string_view words;
  std::string_view row;  // beginning of the row in docs/differences.md
};
struct Refused {
  std::string_view code, words;
  std::string_view row;
};

constexpr Accepted kAccepted[] = {
    {E2BIG, "program is too large", "programs that Linux gives up on"},
    {ENOMEM, "jumps is too complex", "programs that Linux gives up on"},
    // Bounds fitted to known bits, which as_linux cannot do without; what is accepted runs in the checked interpreter.
    {EINVAL, "invalid read from stack R", "bounds of quotients, remainders, shifts by a register"},
    {EACCES, "max value is outside of the allowed memory range",
     "bounds of quotients, remainders, shifts by a register"},
    {EFAULT, "No program to jit", "functions whose address is taken for nothing"},
    {EINVAL, "offset is outside of the packet", "packet bytes proven before a compare that contradicts"},
};

constexpr Refused kRefused[] = {
    {"ptr-leak", "", "storing a pointer into a packet or map value"},
    {"return-value", "the program returns", "returning a pointer from the program"},
    {"bad-insn", "", "mistakes in instructions that no path reaches"},
    {"div-by-zero", "", "mistakes in instructions that no path reaches"},
    {"bad-shift", "", "mistakes in instructions that no path reaches"},
    {"not-a-pointer", "read through a map", "reading the kernel's own map structure"},
    {"null-deref", "by the helper through a pointer that may be null", "a value or null given to a helper"},
    {"uninit-read", "it held an element's key", "key of an element kept by a callback"},
    {"arg-type", "timers in maps inside of maps", "timers in maps inside of maps"},
    {"unknown-helper", "is not available", "helpers that Sluice lacks"},
    {"ptr-spill", " are read", "pointers stored at variable stack offsets"},
    {"ptr-spill", " is stored as ", "pointers stored at variable stack offsets"},
    {"ptr-spill", "is stored at a variable stack offset", "pointers stored at variable stack offsets"},
};

bool has_map_of_maps(const vm::LoadedProgram& program) {
  return std::ranges::any_of(program.maps,
                             [](const auto& map) { return map != nullptr && map->spec().inner != nullptr; });
}

bool calls_back(const vm::LoadedProgram& program) {
  return std::ranges::any_of(program.insns, [](const vm::Insn& insn) {
    const vm::InsnRow* row = vm::find(insn);
    return row != nullptr && row->kind == vm::Kind::kCallHelper && (insn.imm == 164 || insn.imm == 181);
  });
}

}  // namespace

std::string_view reason_to_accept(int error, std::string_view words, bool knows_more, bool nobody_there) {
  if (knows_more) return "bounds of quotients, remainders, shifts by a register";
  if (nobody_there) return "ways that numbers exclude";
  for (const Accepted& one : kAccepted) {
    if (one.error == error && words.find(one.words) != std::string_view::npos) return one.row;
  }
  return {};
}

std::string_view reason_to_refuse(const vm::LoadedProgram& program, std::string_view code, std::string_view message) {
  for (const Refused& one : kRefused) {
    if (one.code == code && message.find(one.words) != std::string_view::npos) return one.row;
  }
  if (code == "infinite-loop" && calls_back(program)) return "loops around helpers that call back";
  if (code == "null-deref" && has_map_of_maps(program)) return "look-up at a constant index in an inner per-CPU array";
  return {};
}

}  // namespace sluice::fuzz
