#pragma once
// BPF object files as clang 14 to 19 write them: programs, map declarations, relocations, BTF and line info. The only
// place that sees libelf. Input is hostile until the function returned. Control path.
#include <cstddef>
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
  MapSpec spec;  // data sections: ARRAY, 1 entry, name ".rodata", ".data", ".bss", ".rodata.str1.1"
  Origin origin = Origin::kDeclared;
  std::vector<std::byte> initial;  // contents of a data section; empty for declared maps
  // Maps of maps: what `.values` puts inside from the start.
  struct Inner {
    std::uint32_t key = 0;
    std::uint32_t map = 0;  // index into ElfObject::maps
  };
  std::vector<Inner> inner;
};

struct ElfObject {
  std::string path;
  std::vector<MapDecl> maps;
  std::vector<LoadedProgram> programs;  // of known types; `maps` empty: instructions index ElfObject::maps until bind()
  std::vector<std::string> other_sections;  // sections of programs whose type Sluice does not know
  std::shared_ptr<const Btf> btf;           // null without .BTF
  std::string license;                      // empty when absent

  // The program called `name`, or null.
  [[nodiscard]] const LoadedProgram* program(std::string_view name) const noexcept;
};

// Errors carry kEnvironment (cannot read the file) or kProgram (section, symbol or offset that is wrong).
Result<ElfObject> load_elf(const std::string& path);
Result<ElfObject> parse_elf(std::span<const std::byte> image, const std::string& path);

// Makes one map per declaration for `cpus` CPUs, filled with data sections' contents; .rodata frozen.
Result<std::vector<std::shared_ptr<Map>>> make_maps(const ElfObject& object, unsigned cpus);

// Puts into maps of maps what their declarations say. `maps` in the order of ElfObject::maps; where one is null nothing
// is put, or put inside.
Result<void> fill_maps_of_maps(const ElfObject& object, std::span<const std::shared_ptr<Map>> maps);

// A copy of `program` whose instructions may be verified and run: `maps` in the order of ElfObject::maps.
LoadedProgram bind(const LoadedProgram& program, std::span<const std::shared_ptr<Map>> maps);

}  // namespace sluice::vm
