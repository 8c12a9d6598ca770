#include "dataplane/io/wire.h"

#include <cstring>

namespace sluice::io {
namespace {

constexpr std::size_t kMacs = 12;
constexpr std::uint16_t kTag = 0x8100, kServiceTag = 0x88a8, kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr std::uint8_t kTcp = 6, kUdp = 17, kIcmp6 = 58;

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}
std::uint16_t word_at(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

std::uint64_t sum(std::span<const std::byte> bytes) {
  std::uint64_t total = 0;
  std::size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    total += __builtin_bswap32(word);
  }
  if (i + 2 <= bytes.size()) {
    total += word_at(bytes, i);
    i += 2;
  }
  if (i < bytes.size()) total += static_cast<std::uint64_t>(byte_at(bytes, i)) << 8;
  return total;
}

std::uint16_t fold(std::uint64_t total) {
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint16_t>(total);
}

// Where the checksum of a transport header is, or 0 for protocols that are left alone.
std::size_t checksum_offset(std::uint8_t protocol) {
  switch (protocol) {
    case kTcp: return 16;
    case kUdp: return 6;
    case kIcmp6: return 2;
    default: return 0;
  }
}

struct Transport {
  std::span<std::byte> bytes;  // header and payload; empty: nothing to complete
  std::uint8_t protocol = 0;
  std::uint64_t addresses = 0;  // sum of source and destination
};

Transport transport_of(std::span<std::byte> packet, std::uint16_t type) {
  if (type == kIpv4 && packet.size() >= 20) {
    const std::size_t header = (byte_at(packet, 0) & 0xfU) * 4;
    const std::size_t length = word_at(packet, 2);
    const bool fragment = (word_at(packet, 6) & 0x3fff) != 0;
    if (byte_at(packet, 0) >> 4 != 4 || header < 20 || length < header || length > packet.size() || fragment) return {};
    return {.bytes = packet.subspan(header, length - header),
            .protocol = byte_at(packet, 9),
            .addresses = sum(packet.subspan(12, 8))};
  }
  // Extension headers are not walked: senders that leave checksums to the device write none.
  if (type == kIpv6 && packet.size() >= 40) {
    const std::size_t length = word_at(packet, 4);
    if (byte_at(packet, 0) >> 4 != 6 || length > packet.size() - 40) return {};
    return {
        .bytes = packet.subspan(40, length), .protocol = byte_at(packet, 6), .addresses = sum(packet.subspan(8, 32))};
  }
  return {};
}

}  // namespace

void insert_tag(std::byte* frame, std::uint16_t tci) noexcept {
  std::memmove(frame - 4, frame, kMacs);
  const std::uint8_t tag[4] = {kTag >> 8, kTag & 0xff, static_cast<std::uint8_t>(tci >> 8),
                               static_cast<std::uint8_t>(tci)};
  std::memcpy(frame - 4 + kMacs, tag, sizeof tag);
}

bool complete_checksum(std::span<std::byte> frame) noexcept {
  std::size_t at = kMacs;
  if (frame.size() < at + 2) return false;
  std::uint16_t type = word_at(frame, at);
  for (int tags = 0; tags < 2 && (type == kTag || type == kServiceTag); ++tags) {
    at += 4;
    if (frame.size() < at + 2) return false;
    type = word_at(frame, at);
  }
  const Transport transport = transport_of(frame.subspan(at + 2), type);
  const std::size_t offset = checksum_offset(transport.protocol);
  if (offset == 0 || (type == kIpv4 && transport.protocol == kIcmp6)) return false;
  if (transport.bytes.size() < offset + 2) return false;
  const std::uint16_t pseudo = fold(transport.addresses + transport.protocol + transport.bytes.size());
  if (word_at(transport.bytes, offset) != pseudo) return false;
  std::uint16_t check = static_cast<std::uint16_t>(~fold(sum(transport.bytes)));
  if (check == 0 && transport.protocol == kUdp) check = 0xffff;  // 0 means "none" (RFC 768)
  transport.bytes[offset] = static_cast<std::byte>(check >> 8);
  transport.bytes[offset + 1] = static_cast<std::byte>(check & 0xff);
  return true;
}

}  // namespace sluice::io
