#pragma once
// What values.cc needs to know of types beyond BTF: the `types:` overrides, flattened struct members, bits. Control
// path, any thread.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/config/config.h"
#include "vm/btf.h"

namespace sluice::pipeline {

// How a scalar is written and stored.
struct ScalarFormat {
  enum class Kind : std::uint8_t { kInteger, kIpv4, kIpv6, kMac, kIfindex, kHex };
  std::string_view name;
  Kind kind = Kind::kInteger;
  std::uint32_t size = 0;  // bytes; 0 = any
  bool is_signed = false;
  bool big_endian = false;
};
// The format an override names, or null.
const ScalarFormat* scalar_format(std::string_view name) noexcept;
std::span<const ScalarFormat> scalar_formats() noexcept;
// The format of a host-order integer of `size` bytes (1, 2, 4, 8); null for other sizes.
const ScalarFormat* integer_format(std::uint32_t size, bool is_signed, bool big_endian) noexcept;

// Members of a struct or union with those of anonymous ones inside it, offsets from the outer start.
std::vector<vm::Btf::Member> flat_members(const vm::Btf& btf, std::uint32_t type);

// Bits of a member: its own, or its type's.
std::uint32_t member_bits(const vm::Btf& btf, const vm::Btf::Member& member) noexcept;

// Little-endian bit fields, as the BPF target lays them out. `bits` 1..64.
void put_bits(std::span<std::byte> bytes, std::uint32_t bit_offset, std::uint32_t bits, std::uint64_t value) noexcept;
std::uint64_t get_bits(std::span<const std::byte> bytes, std::uint32_t bit_offset, std::uint32_t bits) noexcept;

// An integer of out.size() bytes, 1..8.
void put_integer(std::span<std::byte> out, std::uint64_t value, bool big_endian) noexcept;
std::uint64_t get_integer(std::span<const std::byte> bytes, bool big_endian) noexcept;
// `value` of `bits` bits as a signed number.
std::int64_t sign_extend(std::uint64_t value, std::uint32_t bits) noexcept;

}  // namespace sluice::pipeline
