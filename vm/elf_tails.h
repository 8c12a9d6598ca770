#pragma once
// Which programs of an object are in its prog arrays from the start: iproute2's sections "ID/KEY" (the array whose
// legacy definition has that id) and declaration tags "tail:MAP/KEY" (Cilium). `.values` are read with the other values
// (vm/elf_map_values.h). Control path.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "vm/btf.h"
#include "vm/elf_file.h"
#include "vm/elf_maps.h"
#include "vm/tail_section.h"

namespace sluice::vm {

// Function symbols by place.
class FunctionSymbols {
 public:
  explicit FunctionSymbols(const ElfFile& file);
  // The one at `offset` bytes of `section`, a global one if there is one; or null. Lives as long as the file.
  [[nodiscard]] const ElfSymbol* at(std::uint32_t section, std::uint64_t offset) const;

 private:
  std::map<std::pair<std::uint32_t, std::uint64_t>, const ElfSymbol*> places_;
};

// Adds to MapDecl::tails, which are in order afterwards. `btf` may be null. An error is a tag that makes no sense, or
// two programs for one slot; it goes to `unread` when that is not null.
Result<void> read_tails(const ElfFile& file, const Btf* btf, std::vector<PlacedMap>& maps,
                        std::vector<std::string>* unread);

}  // namespace sluice::vm
