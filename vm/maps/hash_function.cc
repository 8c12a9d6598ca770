#include "vm/maps/hash_function.h"

#include <array>

#include "vm/maps/hash_function_view.h"

namespace sluice::vm {
namespace {

// CRC32C (Castagnoli, polynomial 0x1edc6f41 reflected), one byte a step.
constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

std::uint32_t crc32c_word(std::uint32_t crc, std::uint64_t word) {
  for (int byte = 0; byte < 8; ++byte, word >>= 8) crc = (crc >> 8) ^ kTable[(crc ^ word) & 0xff];
  return crc;
}

}  // namespace

std::uint32_t hash_software(const std::uint8_t* key, std::uint32_t bytes, std::uint64_t seed) {
  auto crc = static_cast<std::uint32_t>(seed);
  for (; bytes >= 8; bytes -= 8, key += 8) crc = crc32c_word(crc, hash_mix(key_word_at(key), seed));
  if (bytes != 0) crc = crc32c_word(crc, hash_mix(word_tail(key, bytes), seed));
  return crc;
}

}  // namespace sluice::vm
