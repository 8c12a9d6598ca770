#pragma once
// BPF object files as clang 14 to 19 write them: programs, map declarations, relocations, BTF and line info. The only
// place that sees libelf. Input is hostile until the function returned. Control path.
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vm/btf.h"
#include "vm/maps/map.h"
#include "vm/program.h"

namespace sluice::vm {

// A map an object declares: in `.maps`, or one that stands for a data section.
struct MapDecl {
  enum class Origin : std::uint8_t { kDeclared, kRodata, kData, kBss };
  MapSpec spec;  // data sections: ARRAY, 1 entry, name ".rodata", ".data", ".bss", ".rodata.str1.1", ".kconfig"
  Origin origin = Origin::kDeclared;
  std::vector<std::byte> initial;  // contents of a data section; empty for declared maps
  // Maps of maps: what `.values` puts inside from the start.
  struct Inner {
    std::uint32_t key = 0;
    std::uint32_t map = 0;  // index into ElfObject::maps
  };
  std::vector<Inner> inner;
  // Prog arrays: the programs in them from the start, by `.values`, iproute2's sections "ID/KEY" or tags
  // "tail:MAP/KEY".
  struct Tail {
    std::uint32_t key = 0;
    std::string program;  // one of the object's functions; not always one that is run here
    bool operator==(const Tail&) const = default;
  };
  std::vector<Tail> tails;  // ascending by key, one each
  std::string place = {};   // for messages: `offset 32 of ".maps"`
};

// A program that is listed only: of a type not run here or not known, or one that cannot be linked.
struct ListedProgram {
  std::string name;
  std::string section;
  std::string_view type;    // as bpftool writes it, "sched_cls"; empty when the section's name says nothing
  std::uint32_t insns = 0;  // slots of its function, those it calls not counted
  std::string why;          // of a type that is run here: what keeps it from being linked. Else empty
};

// Values of `.kconfig` variables by name, written as in a kernel's .config, text without its quotes.
using KconfigValues = std::map<std::string, std::string, std::less<>>;

struct ElfOptions {
  // What to take programs for instead of what their section says, by name; `unknown_type` is for all whose section says
  // nothing. Null = nothing.
  std::map<std::string, const ProgramType*, std::less<>> types;
  const ProgramType* unknown_type = nullptr;
  // An object whose programs all fail to link, or some of whose maps cannot be read, is still an object; without this
  // it is an error.
  bool list_only = false;
  KconfigValues kconfig;
  std::shared_ptr<const Btf> kernel_types;  // what CO-RE relocations are made against; null = vm/core_builtin.h
};

struct ElfObject {
  std::string path;
  std::vector<MapDecl> maps;
  std::vector<LoadedProgram> programs;  // of known types; `maps` empty: instructions index ElfObject::maps until bind()
  std::vector<ListedProgram> others;    // the object's other programs
  std::vector<std::string> unread_maps;     // with ElfOptions::list_only: why declarations cannot be read
  std::vector<std::string> other_sections;  // sections of programs whose type Sluice does not know
  std::shared_ptr<const Btf> btf;           // null without .BTF
  std::string license;                      // empty when absent

  // The program called `name`, or null.
  [[nodiscard]] const LoadedProgram* program(std::string_view name) const noexcept;
  // Of the others likewise.
  [[nodiscard]] const ListedProgram* listed(std::string_view name) const noexcept;
};

// Why `program`, which was asked for, is not run.
std::string why_not(const ListedProgram& program);

// Errors carry kEnvironment (cannot read the file) or kProgram; what is wrong in the bytes is named by its place: a
// field of the ELF header, or an offset in a section or the file.
Result<ElfObject> load_elf(const std::string& path, const ElfOptions& options = {});
Result<ElfObject> parse_elf(std::span<const std::byte> image, const std::string& path, const ElfOptions& options = {});

// Whether somebody must say how many entries the map has: of a PERF_EVENT_ARRAY it is the CPUs, as libbpf has it.
bool leaves_size_open(const MapSpec& spec) noexcept;
// Makes the map, filled with a data section's contents; .rodata frozen.
Result<std::shared_ptr<Map>> make_map(const MapDecl& declaration, unsigned cpus);
// Makes one map per declaration for `cpus` CPUs, filled with data sections' contents; .rodata frozen.
Result<std::vector<std::shared_ptr<Map>>> make_maps(const ElfObject& object, unsigned cpus);
// The same, but null where `needed` (by index) is false.
Result<std::vector<std::shared_ptr<Map>>> make_maps(const ElfObject& object, unsigned cpus,
                                                    const std::vector<bool>& needed);
// Sets in `used`, of ElfObject::maps' size, the maps that the program's instructions name, and those that may lie in a
// map of maps among them.
void mark_maps(const ElfObject& object, const LoadedProgram& program, std::vector<bool>& used);

// Puts into maps of maps what their declarations say. `maps` in the order of ElfObject::maps; where one is null nothing
// is put, or put inside.
Result<void> fill_maps_of_maps(const ElfObject& object, std::span<const std::shared_ptr<Map>> maps);

// A copy of `program` whose instructions may be verified and run: `maps` in the order of ElfObject::maps.
LoadedProgram bind(const LoadedProgram& program, std::span<const std::shared_ptr<Map>> maps);

}  // namespace sluice::vm
