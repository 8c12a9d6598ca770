#pragma once
// The hash of HASH and PERCPU_HASH: CRC32C over the key's 8-byte words, each first multiplied by a secret odd number,
// because collisions of a bare CRC can be computed by whoever sends the frames. Pure: any thread.
#include <cstdint>

namespace sluice::vm {

// The hash of the `bytes` bytes at `key`.
using HashFunction = std::uint32_t (*)(const std::uint8_t* key, std::uint32_t bytes, std::uint64_t seed);

std::uint32_t hash_software(const std::uint8_t* key, std::uint32_t bytes, std::uint64_t seed);

// The fastest one this CPU runs; all give the same numbers. One definition a CPU family, in the folder of its name.
HashFunction fastest_hash() noexcept;

}  // namespace sluice::vm
