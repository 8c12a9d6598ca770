#pragma once
// Programs of an object: functions cut out of code sections, relocated, with the sub-programs they call appended (as
// libbpf links them: depth first, in the order of the calls). Control path.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "vm/core_relocation.h"
#include "vm/elf_file.h"
#include "vm/elf_kconfig.h"
#include "vm/elf_maps.h"
#include "vm/line_info.h"
#include "vm/program.h"

namespace sluice::vm {

struct LinkInput {
  const ElfFile& file;
  std::span<const PlacedMap> maps;
  const LineInfo& lines;
  const CorePatches& core;
  const Kconfig& kconfig;
  std::size_t kconfig_map = 0;  // its index in `maps`, when it has a map
  const Btf* btf = nullptr;     // without BTF nobody can tell argument types: every sub-program counts as static
  const ElfOptions& options;
};

struct Linked {
  std::vector<LoadedProgram> programs;      // sections in order, then by offset
  std::vector<ListedProgram> others;        // likewise
  std::vector<std::string> other_sections;  // program sections of types Sluice does not know
};

Result<Linked> link_programs(const LinkInput& input);

}  // namespace sluice::vm
