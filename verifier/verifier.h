#pragma once
// The door of the verifier: proves that a program touches only what it owns, reads nothing that nobody wrote, ends, and
// uses helpers as their rows demand. Path-sensitive symbolic execution (DESIGN section 3, kernel Documentation/bpf/
// verifier.rst). Pure: any thread, no globals. The maps in LoadedProgram::maps give specs and frozen contents.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vm/helper_desc.h"
#include "vm/program.h"

namespace sluice::verifier {

class Observer;

struct Limits {
  std::uint32_t processed = 1'000'000;  // instructions walked, over all paths
  std::uint32_t jump_sequence = 8192;   // branches waiting to be explored
  std::uint32_t references = 64;        // records held at once
};

struct Options {
  Limits limits;
  bool allow_ptr_leaks = false;   // what root may do in Linux: pointers into packets and maps, and as verdict
  bool record_claims = false;     // fill Facts::claims; implies that pruning compares all registers exactly
  std::uint64_t memory_size = 0;  // program type `memory`: bytes that r1 points to
  bool prune = true;              // off: every path to its end (tests)
  bool as_linux = false;          // know no more than Linux where docs/differences.md says more is known (tests)
  Observer* observer = nullptr;   // sees every state walked (tests); not owned
};

struct Statistics {
  std::uint32_t insns = 0;  // slots of the program
  std::uint32_t processed = 0;
  std::uint32_t states = 0;  // states kept for pruning
  std::uint32_t peak_states = 0;
  std::uint32_t stack = 0;  // bytes of the deepest call chain
  std::uint64_t microseconds = 0;
};

// The first failure on one path, in the author's terms (DESIGN section 3).
struct Rejection {
  std::string code;     // stable, kebab-case: "pkt-bounds", "uninit-read", ...
  std::string message;  // "2-byte read past the proven packet bytes"
  std::string file;     // source place; empty without line info
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string source_line;
  std::uint32_t insn = 0;  // slot
  int reg = -1;            // the register at fault, -1 = none
  struct Note {
    std::string label;  // "reads", "proven", "why", "fix", "path"
    std::string text;
  };
  std::vector<Note> notes;  // in the order to print
};
// The whole refusal as text, ending with a line end; the only form there is.
std::string render(const Rejection& rejection, const vm::LoadedProgram& program);

struct Outcome {
  // Exactly one of the two.
  std::variant<vm::VerifiedProgram, Rejection> result;
  Statistics statistics;

  [[nodiscard]] bool accepted() const noexcept { return result.index() == 0; }
  [[nodiscard]] const Rejection& rejection() const { return std::get<Rejection>(result); }
  [[nodiscard]] vm::VerifiedProgram take() && { return std::get<vm::VerifiedProgram>(std::move(result)); }
};

Outcome verify(vm::LoadedProgram program, const vm::HelperTable& helpers, const Options& options = {});

// Every stable code, ascending: for `explain-error` and docs. `example` is the least program that has it, in C where C
// can, else in assembler (docs/asm.md).
struct CodeInfo {
  std::string_view code, meaning, cure, example;
};
std::span<const CodeInfo> all_codes() noexcept;

}  // namespace sluice::verifier
