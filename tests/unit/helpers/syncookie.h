#pragma once
// Segments for the tests of SYN cookies.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sluice::helpers::testing {

struct Segment {
  std::vector<std::byte> ip, tcp;
};

inline void put_be32(std::vector<std::byte>& bytes, std::size_t at, std::uint32_t number) {
  for (unsigned i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(number >> (24 - 8 * i));
}

// From port 1025 of one host to port 80 of another. `options` are filled up to a multiple of 4 with zeroes.
inline Segment segment(bool ipv6, std::uint32_t sequence, std::uint32_t acknowledged = 0,
                       std::vector<std::uint8_t> options = {}) {
  Segment made{std::vector<std::byte>(ipv6 ? 40 : 20), std::vector<std::byte>(20)};
  for (std::size_t i = ipv6 ? 8 : 12; i < made.ip.size(); ++i) made.ip[i] = static_cast<std::byte>(17 * i + 3);
  made.ip[0] = std::byte{ipv6 ? std::uint8_t{0x60} : std::uint8_t{0x45}};
  options.resize((options.size() + 3) / 4 * 4);
  for (const std::uint8_t one : options) made.tcp.push_back(std::byte{one});
  made.tcp[0] = std::byte{4};
  made.tcp[1] = std::byte{1};
  made.tcp[3] = std::byte{80};
  put_be32(made.tcp, 4, sequence);
  put_be32(made.tcp, 8, acknowledged);
  made.tcp[12] = static_cast<std::byte>(made.tcp.size() / 4 << 4);
  return made;
}

inline std::vector<std::uint8_t> mss_option(std::uint16_t size) {
  return {2, 4, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
}

// Options with and without a size to be found, and malformed ones.
inline std::vector<std::vector<std::uint8_t>> option_lists() {
  return {{},
          mss_option(1460),
          {1, 1, 2, 4, 5, 180},
          {2, 4, 5, 180, 2, 4, 2, 24},
          {2, 4, 0, 0},
          {0, 2, 4, 5, 180},
          {2, 3, 5, 180},
          {3, 1, 2, 4, 5, 180},
          {3, 0, 2, 4, 5, 180},
          {3, 40, 2, 4, 5, 180},
          {1, 1, 1, 2},
          {2, 4, 5, 180, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7},
          {4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 5, 180}};
}

}  // namespace sluice::helpers::testing
