#pragma once
// Map declarations of an object: BTF definitions in `.maps` (libbpf's conventions), legacy ones in `maps`
// (vm/elf_legacy_maps.h) and data sections. Control path.
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "vm/btf.h"
#include "vm/elf.h"
#include "vm/elf_file.h"

namespace sluice::vm {

constexpr std::size_t kMaxMaps = 4096;  // of one object

// A declaration and the place symbols and relocations refer to.
struct PlacedMap {
  MapDecl declaration;
  std::uint32_t section = 0;  // index of the ELF section
  std::uint64_t offset = 0;   // bytes from its start; 0 for data sections
  std::uint32_t id = 0;       // of a legacy definition: what others, and iproute2's sections, call it; 0 = nothing
};

// Legacy maps by offset, then those of `.maps` by offset, then data sections by index. `btf` may be null.
// A definition in `.maps` that makes no sense is an error, or goes to `unread` when that is not null.
Result<std::vector<PlacedMap>> read_maps(const ElfFile& file, const Btf* btf, std::vector<std::string>* unread);

}  // namespace sluice::vm
