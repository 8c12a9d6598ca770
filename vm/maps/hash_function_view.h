#pragma once
// How a key becomes the numbers that CRC32C runs over, freestanding (C and C++), so that every engine that inlines the
// hash mixes alike: crc = (uint32_t)seed, then for each word of the key, the last padded with zeroes, one CRC32C step
// of 8 bytes over hash_mix(word, seed). Pure: any thread.
#include "vm/maps/words.h"

#ifdef __cplusplus
namespace sluice::vm {
#endif

// `word` made unpredictable without the seed. Bijective.
static inline uint64_t hash_mix(uint64_t word, uint64_t seed) {
  const uint64_t product = (word ^ seed) * (seed | 1);
  return product ^ (product >> 32);
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif
