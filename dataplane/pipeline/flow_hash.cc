#include "dataplane/pipeline/flow_hash.h"

#include <cstring>

namespace sluice::pipeline {
namespace {

constexpr std::uint16_t kTag = 0x8100, kServiceTag = 0x88a8, kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr std::uint8_t kTcp = 6, kUdp = 17;

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t at) noexcept {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
std::uint16_t word_at(std::span<const std::byte> bytes, std::size_t at) noexcept {
  return __builtin_bswap16(load<std::uint16_t>(bytes, at));
}

// The finalizer of MurmurHash3: every bit of `x` reaches every bit of the result.
std::uint32_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdU;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53U;
  return static_cast<std::uint32_t>(x >> 32);
}

// Source and destination ports in either order; 0 where there are none to see.
std::uint64_t ports(std::span<const std::byte> packet, std::size_t header, std::uint8_t protocol) noexcept {
  if ((protocol != kTcp && protocol != kUdp) || packet.size() < header + 4) return 0;
  return std::uint64_t{load<std::uint16_t>(packet, header)} + load<std::uint16_t>(packet, header + 2);
}

}  // namespace

std::uint32_t flow_hash(std::span<const std::byte> frame) noexcept {
  if (frame.size() < 14) return 0;
  std::size_t at = 12;
  std::uint16_t type = word_at(frame, at);
  for (int tags = 0; tags < 2 && (type == kTag || type == kServiceTag) && frame.size() >= at + 6; ++tags) {
    at += 4;
    type = word_at(frame, at);
  }
  const std::span<const std::byte> packet = frame.subspan(at + 2);
  // Sums, not exclusive ors: equal addresses must not cancel out.
  if (type == kIpv4 && packet.size() >= 20) {
    const std::size_t header = (std::to_integer<std::size_t>(packet[0]) & 0xf) * 4;
    const bool fragment = (word_at(packet, 6) & 0x3fff) != 0;
    const std::uint64_t addresses = std::uint64_t{load<std::uint32_t>(packet, 12)} + load<std::uint32_t>(packet, 16);
    return mix(addresses + ((fragment ? 0 : ports(packet, header, std::to_integer<std::uint8_t>(packet[9]))) << 33));
  }
  if (type == kIpv6 && packet.size() >= 40) {
    std::uint64_t addresses = 0;
    for (std::size_t i = 8; i < 40; i += 8) addresses += load<std::uint64_t>(packet, i) * 0x9e3779b97f4a7c15U;
    return mix(addresses + (ports(packet, 40, std::to_integer<std::uint8_t>(packet[6])) << 33));
  }
  const std::uint64_t macs = (load<std::uint64_t>(frame, 0) & 0xffffffffffffU) + (load<std::uint64_t>(frame, 4) >> 16);
  return mix(macs);
}

}  // namespace sluice::pipeline
