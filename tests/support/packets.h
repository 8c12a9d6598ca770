#pragma once
// Frames for tests that compare engines, or us with the kernel: every header our programs look at, whole, cut off and
// wrong. Always the same ones in the same order.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::testing_support {

using Bytes = std::vector<std::byte>;

// Plain data, appended as it lies in memory (little-endian): packed keys and values of maps.
template <typename... T>
Bytes pack(const T&... values) {
  Bytes out;
  const auto append = [&out](const auto& value) {
    const auto* first = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), first, first + sizeof(value));
  };
  (append(values), ...);
  return out;
}
constexpr std::uint16_t be16(std::uint16_t v) { return __builtin_bswap16(v); }
constexpr std::uint32_t be32(std::uint32_t v) { return __builtin_bswap32(v); }
constexpr std::uint32_t ip4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {  // network order
  return static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b) << 8 | static_cast<std::uint32_t>(c) << 16 |
         static_cast<std::uint32_t>(d) << 24;
}
using Mac = std::array<std::uint8_t, 6>;
using Ip6 = std::array<std::uint8_t, 16>;
constexpr Mac kHostA = {2, 0, 0, 0, 0, 0xa}, kHostB = {2, 0, 0, 0, 0, 0xb}, kHostC = {2, 0, 0, 0, 0, 0xc};
constexpr Ip6 ip6(std::uint8_t net, std::uint8_t host) {
  return {0x20, 1, 0xd, 0xb8, 0, net, 0, 0, 0, 0, 0, 0, 0, 0, 0, host};
}

struct Ip4Header {
  std::uint32_t source = ip4(10, 0, 0, 1), destination = ip4(10, 1, 0, 1);
  std::uint8_t protocol = 17, ttl = 64, tos = 0;
  std::uint8_t version = 4, words = 5;  // words of header; more than 5 are filled with options
  std::uint16_t fragment = 0;           // flags and offset as in the header, host order
  int check = -1;                       // -1 = the right one
};

// A frame from the outside in: each call appends a header.
class Frame {
 public:
  Frame(const Mac& destination, const Mac& source);
  Frame& type(std::uint16_t ether_type);                       // ends the Ethernet header
  Frame& vlan(std::uint16_t id, std::uint16_t tpid = 0x8100);  // before type
  Frame& ipv4(const Ip4Header& header, const Bytes& payload);  // with its ether type
  Frame& ipv6(const Ip6& source, const Ip6& destination, std::uint8_t next, const Bytes& payload,
              std::uint8_t hops = 64);
  Frame& raw(const Bytes& bytes);
  [[nodiscard]] Bytes bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

Bytes tcp(std::uint16_t source, std::uint16_t destination, std::uint8_t flags, std::size_t payload = 20);
Bytes udp(std::uint16_t source, std::uint16_t destination, std::size_t payload = 20);
constexpr std::uint8_t kSyn = 0x02, kAck = 0x10;

struct Packet {
  std::string name;
  Bytes bytes;
};

// About 250 frames of 14 bytes or more, the longest 3,520.
std::vector<Packet> all_packets();

}  // namespace sluice::testing_support
