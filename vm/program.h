#pragma once
// A program's state is its type: LoadedProgram (from ELF or assembler) -> VerifiedProgram (only the verifier makes one)
// -> jit::CompiledProgram. Values; constant once verified: any thread.
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/facts.h"
#include "vm/isa.h"
#include "vm/program_type.h"

namespace sluice::verifier {
class Proof;
}
namespace sluice::testing_support {
struct UnverifiedKey;
}

namespace sluice::vm {

class Map;
class Btf;

// Where an instruction came from (.BTF.ext line info). Holds from `insn` up to the next record.
struct SourceLine {
  std::uint32_t insn = 0;    // slot in LoadedProgram::insns
  std::uint32_t line = 0;    // from 1
  std::uint32_t column = 0;  // from 1; 0 = unknown
  std::string file;          // as clang recorded it
  std::string text;          // the line of source, may be empty
};

struct Subprogram {
  std::string name;         // may be empty
  std::uint32_t start = 0;  // first slot; its end is the next one's start
  bool is_global = false;   // verified on its own, once, for any arguments of the types it declares

  // Bytes that argument i + 1 points to, by its type; 0 = no pointer, or to what has no known size, or to a context.
  std::array<std::uint32_t, 5> memory{};
  std::uint8_t never_null = 0;  // bit i: argument i + 1 is declared never to be null (arg:nonnull)
};

// An instruction that was made one nobody may run, because what it asks for (CO-RE) is not there.
struct UnresolvedAccess {
  std::uint32_t insn = 0;  // slot in LoadedProgram::insns
  std::string what;        // "byte offset of struct iphdr.colour"
};

// Instructions with symbols resolved: map references index `maps`, calls are relative. Not to be trusted.
struct LoadedProgram {
  std::string name;
  std::string section;
  std::string object;  // path it came from; empty for assembled programs
  const ProgramType* type = &xdp_type();
  bool frags = false;  // section name says the program handles multi-buffer frames
  std::vector<Insn> insns;
  std::vector<Subprogram> subprograms;       // ascending by start; the first starts at slot 0
  std::vector<SourceLine> lines;             // ascending by insn; empty without line info
  std::vector<UnresolvedAccess> unresolved;  // in the order of the functions
  std::vector<std::shared_ptr<Map>> maps;
  std::string license;

  // The record that covers `slot`, or null.
  [[nodiscard]] const SourceLine* line_at(std::uint32_t slot) const noexcept;
  // Index into subprograms of the one that holds `slot`; 0 when there are none.
  [[nodiscard]] std::size_t subprogram_at(std::uint32_t slot) const noexcept;
};

// The sub-programs that local calls and code addresses show, without names, for instructions that come without a symbol
// table. Targets outside are left out.
std::vector<Subprogram> subprograms_of(std::span<const Insn> insns);

// What it takes to make a VerifiedProgram; only the verifier has one.
class VerifierKey {
  VerifierKey() = default;
  friend class verifier::Proof;
  friend struct testing_support::UnverifiedKey;  // exists only in tests/support
};

class VerifiedProgram {
 public:
  VerifiedProgram(VerifierKey, LoadedProgram program, Facts facts)
      : program_(std::move(program)), facts_(std::move(facts)) {}
  [[nodiscard]] const LoadedProgram& program() const noexcept { return program_; }
  [[nodiscard]] const Facts& facts() const noexcept { return facts_; }
  [[nodiscard]] const std::string& name() const noexcept { return program_.name; }

 private:
  LoadedProgram program_;
  Facts facts_;
};

// What a prog array slot or a devmap entry holds, so that every engine uses one map. `entry` is the JIT's per-frame
// entry and `burst` its burst entry (jit/jit.h), null when the program was not compiled. Not owned: the Pipeline owns
// programs and outlives its maps' use by workers.
struct ProgramSlot {
  const VerifiedProgram* program = nullptr;  // null = the slot is empty
  const void* entry = nullptr;
  const void* burst = nullptr;
  std::uint16_t stage = 0;  // what engines write to XdpContext::path
};

}  // namespace sluice::vm
