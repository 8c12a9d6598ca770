#pragma once
// Static initialisers of maps of maps and prog arrays, `.values = {[2] = &other}`: relocations in `.maps`. Control
// path.
#include <vector>

#include "base/result.h"
#include "vm/btf.h"
#include "vm/elf_file.h"
#include "vm/elf_maps.h"

namespace sluice::vm {

// Sets MapDecl::inner and MapDecl::tails of `maps`, which holds all maps of the object. Relocations of other maps'
// values are left alone. `btf` may be null when there is no `.maps`.
Result<void> read_map_values(const ElfFile& file, const Btf* btf, std::vector<PlacedMap>& maps);

}  // namespace sluice::vm
