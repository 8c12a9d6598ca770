#pragma once
// Look-ups that generated code calls directly where it knows the map: no helper in between, no virtual call, and for
// the usual key sizes the hash and the comparison unrolled. The functions run on any thread.
#include <cstdint>

#include "jit/x86_64/features.h"
#include "vm/maps/map.h"

namespace sluice::jit::x86_64 {

// (view, key, cpu) -> address of the value or null.
using LookupFunction = std::uint8_t* (*)(const void* view, const std::uint8_t* key, std::uint32_t cpu) noexcept;

// The look-up for maps like `map`, or null when there is none of its own.
LookupFunction lookup_function(const vm::Map& map, Features features);

}  // namespace sluice::jit::x86_64
