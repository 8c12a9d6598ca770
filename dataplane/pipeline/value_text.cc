#include "dataplane/pipeline/value_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace sluice::pipeline {
namespace {

constexpr std::size_t kLongestAddress = 45;  // characters of an IPv6 address, RFC 4291 with an IPv4 tail

template <typename T>
std::optional<T> number(std::string_view text, int base) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string hex_joined(std::span<const std::byte> bytes, std::string_view between) {
  std::string text;
  for (const std::byte byte : bytes) {
    if (!text.empty()) text += between;
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  return text;
}

bool is_hex(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

template <int kFamily, std::size_t kBytes>
std::optional<std::array<std::byte, kBytes>> parse_address(std::string_view text) noexcept {
  std::array<char, kLongestAddress + 1> copy{};  // inet_pton wants an end
  if (text.empty() || text.size() > kLongestAddress || text.find('\0') != text.npos) return std::nullopt;
  std::copy(text.begin(), text.end(), copy.begin());
  std::array<std::byte, kBytes> bytes{};
  if (inet_pton(kFamily, copy.data(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

}  // namespace

std::optional<Integer> parse_integer(std::string_view text) noexcept {
  Integer result;
  if (text.starts_with('-')) {
    result.negative = true;
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    return std::nullopt;
  }
  const auto magnitude = number<std::uint64_t>(text, base);
  if (!magnitude) return std::nullopt;
  result.magnitude = *magnitude;
  if (result.magnitude == 0) result.negative = false;
  return result;
}

std::optional<std::array<std::byte, 6>> parse_mac(std::string_view text) noexcept {
  std::array<std::byte, 6> mac{};
  if (text.size() != 17) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    if (i != 0 && text[3 * i - 1] != ':') return std::nullopt;
    if (!is_hex(text[3 * i]) || !is_hex(text[3 * i + 1])) return std::nullopt;
    mac[i] = static_cast<std::byte>(*number<std::uint8_t>(text.substr(3 * i, 2), 16));
  }
  return mac;
}

std::optional<std::array<std::byte, 4>> parse_ipv4(std::string_view text) noexcept {
  return parse_address<AF_INET, 4>(text);
}

std::optional<std::array<std::byte, 16>> parse_ipv6(std::string_view text) noexcept {
  return parse_address<AF_INET6, 16>(text);
}

std::optional<std::vector<std::byte>> parse_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == ' ') continue;
    if (!is_hex(c)) return std::nullopt;
    digits += c;
  }
  if (digits.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(*number<std::uint8_t>(std::string_view(digits).substr(i, 2), 16)));
  }
  return bytes;
}

std::optional<Prefix> split_prefix(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return Prefix{.address = text, .length = std::nullopt};
  const auto length = parse_integer(text.substr(slash + 1));
  if (!length || length->negative || length->magnitude > UINT32_MAX) return std::nullopt;
  return Prefix{.address = text.substr(0, slash), .length = static_cast<std::uint32_t>(length->magnitude)};
}

bool clear_host_bits(std::span<std::byte> address, std::uint32_t length) noexcept {
  bool any = false;
  for (std::size_t i = 0; i < address.size(); ++i) {
    const std::size_t first_bit = i * 8;
    const std::size_t kept = length <= first_bit ? 0 : std::min<std::size_t>(8, length - first_bit);
    const auto mask = static_cast<std::byte>(kept == 0 ? 0 : 0xff << (8 - kept));
    any = any || (address[i] & ~mask) != std::byte{0};
    address[i] &= mask;
  }
  return any;
}

std::string format_mac(std::span<const std::byte> bytes) { return hex_joined(bytes, ":"); }

std::string format_ipv4(std::span<const std::byte> bytes) {
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, bytes.data(), text.data(), text.size());
  return text.data();
}

std::string format_ipv6(std::span<const std::byte> bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

std::string format_hex(std::span<const std::byte> bytes) { return hex_joined(bytes, ""); }

}  // namespace sluice::pipeline
