#pragma once
// Map declarations of objects older than BTF: the section `maps`, an array of C structs of 32-bit words. Control path.
#include <vector>

#include "base/result.h"
#include "vm/btf.h"
#include "vm/elf_file.h"
#include "vm/elf_maps.h"

namespace sluice::vm {

// Appends the maps of section `maps` by offset. Nothing when there is no such section. `btf` may be null.
Result<void> read_legacy_maps(const ElfFile& file, const Btf* btf, std::vector<PlacedMap>& maps);

}  // namespace sluice::vm
