#pragma once
// Judges a raw .BTF section before libbpf sees it: bounds, record lengths, string and type references, cycles that have
// no end. libbpf trusts the kernel to do this; our input is hostile. Control path, any thread.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace sluice::vm {

struct CheckedBtf {
  std::vector<std::byte> bytes;  // header, types, strings, nothing between; every reference inside is valid
  bool printable = true;         // false: as C it would be absurdly long or deeply nested
  std::uint32_t types_at = 0;    // where the types started in the section, in bytes
};

// Errors begin with `offset N: `, in bytes from the start of the section.
Result<CheckedBtf> check_btf(std::span<const std::byte> section);

}  // namespace sluice::vm
