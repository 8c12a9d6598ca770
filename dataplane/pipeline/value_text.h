#pragma once
// What people write for single values, as bytes or numbers: integers, MAC and IP addresses, prefixes, raw hex. Pure
// functions on text; empty results mean "not of that form". Control path, any thread.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pipeline {

// An integer of at most 64 bits as it was written; `negative` numbers hold their magnitude.
struct Integer {
  bool negative = false;
  std::uint64_t magnitude = 0;
};
// Decimal or 0x hexadecimal, `-` in front allowed. Leading zeros are refused: 010 is 8 to some and 10 to others.
std::optional<Integer> parse_integer(std::string_view text) noexcept;

std::optional<std::array<std::byte, 6>> parse_mac(std::string_view text) noexcept;    // 02:00:00:aa:00:01
std::optional<std::array<std::byte, 4>> parse_ipv4(std::string_view text) noexcept;   // 192.0.2.1, four decimal parts
std::optional<std::array<std::byte, 16>> parse_ipv6(std::string_view text) noexcept;  // RFC 4291
std::optional<std::vector<std::byte>> parse_hex(std::string_view text);               // "0a00 0001", blanks allowed

// "10.0.0.0/8": what stands before the slash and the number behind it; no slash = no length.
struct Prefix {
  std::string_view address;
  std::optional<std::uint32_t> length;
};
std::optional<Prefix> split_prefix(std::string_view text) noexcept;
// True when a bit behind the first `length` ones is set; they are cleared.
bool clear_host_bits(std::span<std::byte> address, std::uint32_t length) noexcept;

std::string format_mac(std::span<const std::byte> bytes);   // 6 bytes
std::string format_ipv4(std::span<const std::byte> bytes);  // 4 bytes
std::string format_ipv6(std::span<const std::byte> bytes);  // 16 bytes
std::string format_hex(std::span<const std::byte> bytes);

}  // namespace sluice::pipeline
