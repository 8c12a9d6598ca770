#include "dataplane/replay/pcapng_reader.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "dataplane/replay/pcap_reader.h"

namespace sluice::replay {
namespace {

constexpr std::uint32_t kSection = 0x0a0d0d0a;  // the same in either byte order
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint32_t kInterface = 1, kObsoletePacket = 2, kSimplePacket = 3, kEnhancedPacket = 6;
constexpr std::size_t kAround = 12;  // bytes of a block's type and two lengths
constexpr std::uint16_t kEndOfOptions = 0, kTsresol = 9, kTsoffset = 14;
constexpr std::size_t kMostInterfaces = 65'536;  // of a section; more is an attack on memory

__extension__ using Wide = unsigned __int128;

}  // namespace

bool PcapngReader::recognises(std::span<const std::byte> image) noexcept {
  std::uint32_t type = 0;
  if (image.size() < sizeof(type)) return false;
  std::memcpy(&type, image.data(), sizeof(type));
  return type == kSection;
}

PcapngReader::PcapngReader(std::span<const std::byte> image, void (*unmap)(std::span<const std::byte>))
    : image_(image), unmap_(unmap) {
  nanoseconds_ = true;
}

PcapngReader::~PcapngReader() {
  if (unmap_ != nullptr) unmap_(image_);
}

std::uint32_t PcapngReader::word(const std::byte* at) const noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof(value));
  return swapped_ ? __builtin_bswap32(value) : value;
}

std::uint16_t PcapngReader::half(const std::byte* at) const noexcept {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof(value));
  return swapped_ ? __builtin_bswap16(value) : value;
}

bool PcapngReader::damaged(std::string why) {
  damage_ = fmt::format("frame {}: {}", frames_ + 1, why);
  return false;
}

bool PcapngReader::section(std::size_t left) {
  constexpr std::size_t kShortest = 28;
  if (left < kShortest) return damaged("the file ends inside a section header");
  swapped_ = false;
  swapped_ = word(image_.data() + at_ + 8) != kByteOrder;
  if (word(image_.data() + at_ + 8) != kByteOrder) return damaged("a section header without its byte-order magic");
  if (half(image_.data() + at_ + 12) != 1) return damaged("a section of an unknown pcapng version");
  interfaces_.clear();
  return true;
}

bool PcapngReader::block(Block& out) {
  const std::size_t left = image_.size() - at_;
  if (left == 0 || damage_) return false;
  if (left < kAround) return damaged("the file ends inside a block header");
  const std::byte* start = image_.data() + at_;
  out.type = word(start);
  if (out.type == kSection && !section(left)) return false;
  const std::uint32_t length = word(start + 4);
  if (length < kAround || length % 4 != 0) return damaged(fmt::format("a block claims an impossible {} bytes", length));
  if (length > left) return damaged(fmt::format("the file ends inside a block ({} of {} bytes)", left, length));
  if (word(start + length - 4) != length) return damaged("the two lengths of a block differ");
  out.body = image_.subspan(at_ + 8, length - kAround);
  at_ += length;
  return true;
}

void PcapngReader::interface(std::span<const std::byte> body) {
  constexpr std::size_t kFixed = 8;
  if (body.size() < kFixed || interfaces_.size() >= kMostInterfaces) {
    damaged("a malformed interface description");
    return;
  }
  Interface found{.link = half(body.data()), .snap = word(body.data() + 4)};
  for (std::size_t at = kFixed; at + 4 <= body.size();) {
    const std::uint16_t code = half(body.data() + at);
    const std::uint16_t size = half(body.data() + at + 2);
    if (code == kEndOfOptions || size > body.size() - at - 4) break;
    const std::byte* value = body.data() + at + 4;
    if (code == kTsresol && size == 1) found.resolution = static_cast<std::uint8_t>(*value);
    if (code == kTsoffset && size == 8) {
      const std::uint64_t low = word(value + (swapped_ ? 4 : 0));
      const std::uint64_t high = word(value + (swapped_ ? 0 : 4));
      found.offset_ns = (high << 32 | low) * 1'000'000'000U;
    }
    at += 4 + ((size + 3U) & ~3U);
  }
  interfaces_.push_back(found);
}

std::uint64_t PcapngReader::nanoseconds_of(std::uint64_t stamp, const Interface& from) noexcept {
  constexpr std::uint8_t kBinary = 0x80;
  if ((from.resolution & kBinary) != 0) {
    const unsigned shift = from.resolution & 0x7fU;
    return from.offset_ns + static_cast<std::uint64_t>(static_cast<Wide>(stamp) * 1'000'000'000U >> shift);
  }
  std::uint64_t time = stamp;
  for (unsigned digits = from.resolution; digits < 9; ++digits) time *= 10;
  for (unsigned digits = 9; digits < from.resolution && time != 0; ++digits) time /= 10;
  return from.offset_ns + time;
}

bool PcapngReader::frame(const Interface* from, std::uint64_t index, Record& record) {
  if (from == nullptr) {
    return damaged(fmt::format("names interface {}, but only {} are described", index, interfaces_.size()));
  }
  if (from->link != kLinkEthernet) {
    return damaged(fmt::format("its interface has link type {}, which is not Ethernet", from->link));
  }
  record.number = ++frames_;
  return true;
}

bool PcapngReader::enhanced(std::span<const std::byte> body, bool obsolete, Record& record) {
  constexpr std::size_t kFixed = 20;
  if (body.size() < kFixed) return damaged("a packet block too short for its fields");
  const std::uint32_t index = obsolete ? half(body.data()) : word(body.data());
  const std::uint32_t captured = word(body.data() + 12);
  if (captured > body.size() - kFixed || captured > kLongestRecord) {
    return damaged(fmt::format("claims {} captured bytes, its block holds {}", captured, body.size() - kFixed));
  }
  const Interface* from = index < interfaces_.size() ? &interfaces_[index] : nullptr;
  if (!frame(from, index, record)) return false;
  const std::uint64_t stamp = static_cast<std::uint64_t>(word(body.data() + 4)) << 32 | word(body.data() + 8);
  record.time_ns = last_time_ = nanoseconds_of(stamp, *from);
  record.bytes = body.subspan(kFixed, captured);
  record.original_length = word(body.data() + 16);
  return true;
}

bool PcapngReader::simple(std::span<const std::byte> body, Record& record) {
  constexpr std::size_t kFixed = 4;
  if (body.size() < kFixed) return damaged("a packet block too short for its fields");
  const Interface* from = interfaces_.empty() ? nullptr : interfaces_.data();
  const std::uint32_t length = word(body.data());
  const std::uint32_t captured = from != nullptr && from->snap != 0 ? std::min(length, from->snap) : length;
  if (captured > body.size() - kFixed || captured > kLongestRecord) {
    return damaged(fmt::format("claims {} captured bytes, its block holds {}", captured, body.size() - kFixed));
  }
  if (!frame(from, 0, record)) return false;
  record.time_ns = last_time_;  // it has none: keep its place in the file
  record.bytes = body.subspan(kFixed, captured);
  record.original_length = length;
  return true;
}

bool PcapngReader::next(Record& record) {
  Block found;
  while (true) {
    if (ahead_) {
      found = *ahead_;
      ahead_.reset();
    } else if (!block(found)) {
      return false;
    }
    if (found.type == kInterface) interface(found.body);
    if (found.type == kEnhancedPacket) return enhanced(found.body, false, record);
    if (found.type == kObsoletePacket) return enhanced(found.body, true, record);
    if (found.type == kSimplePacket) return simple(found.body, record);
  }
}

std::optional<std::uint16_t> PcapngReader::first_link() {
  Block found;
  while (block(found)) {
    if (found.type == kInterface) {
      interface(found.body);
      return interfaces_.empty() ? std::nullopt : std::optional(interfaces_[0].link);
    }
    if (found.type == kEnhancedPacket || found.type == kObsoletePacket || found.type == kSimplePacket) {
      ahead_ = found;
      break;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::replay
