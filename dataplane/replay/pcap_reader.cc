#include "dataplane/replay/pcap_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace sluice::replay {
namespace {

constexpr std::size_t kFileHeader = 24;    // bytes
constexpr std::size_t kRecordHeader = 16;  // bytes
constexpr std::uint32_t kMagicMicros = 0xa1b2c3d4;
constexpr std::uint32_t kMagicNanos = 0xa1b23c4d;
constexpr std::uint32_t kLinkTypeMask = 0x03ffffff;  // above: length of the frame check sequence

std::uint32_t word(const std::byte* at, bool swapped) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof(value));
  return swapped ? __builtin_bswap32(value) : value;
}

std::uint16_t half(const std::byte* at, bool swapped) noexcept {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof(value));
  return swapped ? __builtin_bswap16(value) : value;
}

}  // namespace

std::optional<PcapReader::Header> PcapReader::header(std::span<const std::byte> image) noexcept {
  if (image.size() < kFileHeader) return std::nullopt;
  Header header;
  const std::uint32_t magic = word(image.data(), false);
  header.swapped = magic == __builtin_bswap32(kMagicMicros) || magic == __builtin_bswap32(kMagicNanos);
  const std::uint32_t straight = word(image.data(), header.swapped);
  if (straight != kMagicMicros && straight != kMagicNanos) return std::nullopt;
  header.nanoseconds = straight == kMagicNanos;
  header.version_major = half(image.data() + 4, header.swapped);
  header.link_type = word(image.data() + 20, header.swapped) & kLinkTypeMask;
  return header;
}

PcapReader::PcapReader(std::span<const std::byte> image, const Header& header,
                       void (*unmap)(std::span<const std::byte>))
    : image_(image), at_(kFileHeader), swapped_(header.swapped), unmap_(unmap) {
  nanoseconds_ = header.nanoseconds;
}

PcapReader::~PcapReader() {
  if (unmap_ != nullptr) unmap_(image_);
}

bool PcapReader::next(Record& record) {
  const std::size_t left = image_.size() - at_;
  if (left == 0 || damage_) return false;
  if (left < kRecordHeader) {
    damage_ = fmt::format("frame {}: the file ends inside the record header ({} of {} bytes)", frames_ + 1, left,
                          kRecordHeader);
    return false;
  }
  const std::byte* header = image_.data() + at_;
  const std::uint32_t captured = word(header + 8, swapped_);
  if (captured > kLongestRecord) {
    damage_ = fmt::format("frame {}: claims {} captured bytes, more than the {} a capture can hold", frames_ + 1,
                          captured, kLongestRecord);
    return false;
  }
  if (captured > left - kRecordHeader) {
    damage_ = fmt::format("frame {}: the file ends inside the frame ({} of {} bytes)", frames_ + 1,
                          left - kRecordHeader, captured);
    return false;
  }
  const std::uint64_t seconds = word(header, swapped_);
  const std::uint64_t fraction = word(header + 4, swapped_);
  record.time_ns = seconds * 1'000'000'000U + (nanoseconds_ ? fraction : fraction * 1000U);
  record.bytes = image_.subspan(at_ + kRecordHeader, captured);
  record.original_length = word(header + 12, swapped_);
  record.number = ++frames_;
  at_ += kRecordHeader + captured;
  return true;
}

}  // namespace sluice::replay
