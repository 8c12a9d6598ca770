#include "dataplane/pipeline/value_types.h"

#include <algorithm>
#include <array>

namespace sluice::pipeline {
namespace {

using Kind = ScalarFormat::Kind;
constexpr std::array<ScalarFormat, 16> kFormats = {{
    {"u8", Kind::kInteger, 1},
    {"u16", Kind::kInteger, 2},
    {"u32", Kind::kInteger, 4},
    {"u64", Kind::kInteger, 8},
    {"s8", Kind::kInteger, 1, true},
    {"s16", Kind::kInteger, 2, true},
    {"s32", Kind::kInteger, 4, true},
    {"s64", Kind::kInteger, 8, true},
    {"be16", Kind::kInteger, 2, false, true},
    {"be32", Kind::kInteger, 4, false, true},
    {"be64", Kind::kInteger, 8, false, true},
    {"ipv4", Kind::kIpv4, 4},
    {"ipv6", Kind::kIpv6, 16},
    {"mac", Kind::kMac, 6},
    {"ifindex", Kind::kIfindex, 4},
    {"hex", Kind::kHex, 0},
}};

constexpr unsigned kDeepestAnonymous = 16;  // levels of nameless structs; BTF is hostile input

void collect(const vm::Btf& btf, std::uint32_t type, std::uint32_t at, unsigned depth,
             std::vector<vm::Btf::Member>& out) {
  for (vm::Btf::Member member : btf.members(type)) {
    member.bit_offset += at;
    const vm::Btf::Kind kind = btf.kind(member.type);
    const bool nested = kind == vm::Btf::Kind::kStruct || kind == vm::Btf::Kind::kUnion;
    if (!member.name.empty()) {
      out.push_back(member);
    } else if (nested && depth < kDeepestAnonymous) {
      collect(btf, member.type, member.bit_offset, depth + 1, out);
    }
  }
}

}  // namespace

std::span<const ScalarFormat> scalar_formats() noexcept { return kFormats; }

const ScalarFormat* scalar_format(std::string_view name) noexcept {
  const auto found = std::ranges::find(kFormats, name, &ScalarFormat::name);
  return found == kFormats.end() ? nullptr : &*found;
}

const ScalarFormat* integer_format(std::uint32_t size, bool is_signed, bool big_endian) noexcept {
  const auto found = std::ranges::find_if(kFormats, [&](const ScalarFormat& f) {
    return f.kind == Kind::kInteger && f.size == size && f.is_signed == (is_signed && !big_endian) &&
           f.big_endian == (big_endian && size > 1);
  });
  return found == kFormats.end() ? nullptr : &*found;
}

std::vector<vm::Btf::Member> flat_members(const vm::Btf& btf, std::uint32_t type) {
  std::vector<vm::Btf::Member> members;
  collect(btf, type, 0, 0, members);
  return members;
}

std::uint32_t member_bits(const vm::Btf& btf, const vm::Btf::Member& member) noexcept {
  return member.bit_size != 0 ? member.bit_size : btf.size(member.type) * 8;
}

void put_bits(std::span<std::byte> bytes, std::uint32_t bit_offset, std::uint32_t bits, std::uint64_t value) noexcept {
  for (std::uint32_t i = 0; i < bits; ++i) {
    const std::uint32_t at = bit_offset + i;
    const auto mask = static_cast<std::byte>(1U << (at % 8));
    std::byte& byte = bytes[at / 8];
    byte = i < 64 && ((value >> i) & 1) != 0 ? byte | mask : byte & ~mask;
  }
}

std::uint64_t get_bits(std::span<const std::byte> bytes, std::uint32_t bit_offset, std::uint32_t bits) noexcept {
  std::uint64_t value = 0;
  for (std::uint32_t i = 0; i < bits; ++i) {
    const std::uint32_t at = bit_offset + i;
    if (i < 64) value |= static_cast<std::uint64_t>((static_cast<unsigned>(bytes[at / 8]) >> (at % 8)) & 1U) << i;
  }
  return value;
}

void put_integer(std::span<std::byte> out, std::uint64_t value, bool big_endian) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[big_endian ? out.size() - 1 - i : i] = static_cast<std::byte>(value >> (8 * i));
  }
}

std::uint64_t get_integer(std::span<const std::byte> bytes, bool big_endian) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::uint64_t>(bytes[big_endian ? bytes.size() - 1 - i : i]) << (8 * i);
  }
  return value;
}

std::int64_t sign_extend(std::uint64_t value, std::uint32_t bits) noexcept {
  if (bits == 0 || bits >= 64) return static_cast<std::int64_t>(value);
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
  value &= (sign << 1) - 1;
  return static_cast<std::int64_t>((value ^ sign) - sign);
}

}  // namespace sluice::pipeline
