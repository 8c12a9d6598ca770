#pragma once
// Random XDP programs in assembler (docs/asm.md) over the maps of kGeneratedMaps, each out of fragments of what the
// verifier is for: packet compares, arithmetic into map offsets, spills, calls, loops. About half are accepted. The
// same program for the same seed, everywhere.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::fuzz {

// Lines as in tests/verifier/case.h.
constexpr std::array<std::string_view, 6> kGeneratedMaps{"array 4 16 4", "hash 8 16 8",         "prog_array 4 4 4",
                                                         "array 4 64 1", "percpu_array 4 16 4", "array 4 16 1 rdonly"};

std::string generate(std::uint64_t seed);

}  // namespace sluice::fuzz
