#include "vm/maps/hash_function.h"

#include <nmmintrin.h>

#include "vm/maps/hash_function_view.h"

namespace sluice::vm {
namespace {

__attribute__((target("sse4.2"))) std::uint32_t hash_sse42(const std::uint8_t* key, std::uint32_t bytes,
                                                           std::uint64_t seed) {
  std::uint64_t crc = static_cast<std::uint32_t>(seed);
  for (; bytes >= 8; bytes -= 8, key += 8) crc = _mm_crc32_u64(crc, hash_mix(key_word_at(key), seed));
  if (bytes != 0) crc = _mm_crc32_u64(crc, hash_mix(word_tail(key, bytes), seed));
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

HashFunction fastest_hash() noexcept { return __builtin_cpu_supports("sse4.2") != 0 ? hash_sse42 : hash_software; }

}  // namespace sluice::vm
