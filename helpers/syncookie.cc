// SYN cookies without a socket: what a SYN proxy answers with, and how it knows its own again. A cookie is the sum of a
// hash of the connection, the client's sequence number, the minute in its highest 8 bits, and in the lowest 24 the
// index of the segment size hidden by a hash that takes the minute in.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "helpers/functions.h"
#include "vm/syncookie.h"

namespace sluice::helpers {
namespace {

constexpr std::uint32_t kBits = 24;
constexpr std::uint32_t kMask = (std::uint32_t{1} << kBits) - 1;
constexpr std::uint32_t kMaxAge = 2;         // minutes
constexpr std::uint64_t kPerMinute = 15000;  // ticks: 250 a second, as jiffies64 has it
constexpr std::size_t kTcpHeader = 20;

constexpr std::array<std::uint16_t, 4> kSizes4 = {536, 1300, 1440, 1460};
constexpr std::array<std::uint16_t, 4> kSizes6 = {1280 - 60, 1480 - 60, 1500 - 60, 9000 - 60};
constexpr std::uint16_t kDefaultSize4 = 536, kDefaultSize6 = 1280 - 60;

// The words of a TCP header (RFC 9293) that count here, and of what they are options.
struct Tcp {
  const std::byte* at;

  [[nodiscard]] std::uint32_t be32(std::size_t offset) const noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, at + offset, sizeof word);
    return __builtin_bswap32(word);
  }
  [[nodiscard]] std::uint32_t sequence() const noexcept { return be32(4); }
  [[nodiscard]] std::uint32_t acknowledged() const noexcept { return be32(8); }
  [[nodiscard]] std::size_t length() const noexcept { return std::to_integer<std::size_t>(at[12]) >> 4 << 2; }

  // What the MSS option says, the last one when there are several; 0 when none does or an option is malformed.
  [[nodiscard]] std::uint16_t segment_size() const noexcept {
    std::uint16_t found = 0;
    for (std::size_t i = kTcpHeader; i < length();) {
      const auto kind = std::to_integer<unsigned>(at[i]);
      if (kind == 0) return found;
      if (kind == 1) {
        ++i;
        continue;
      }
      if (length() - i < 2) return found;
      const auto size = std::to_integer<std::size_t>(at[i + 1]);
      if (size < 2 || size > length() - i) return found;
      if (kind == 2 && size == 4) {
        const auto value = static_cast<std::uint16_t>(std::to_integer<unsigned>(at[i + 2]) << 8 |
                                                      std::to_integer<unsigned>(at[i + 3]));
        if (value != 0) found = value;
      }
      i += size;
    }
    return found;
  }
};

// What differs between the families: addresses, keys, segment sizes.
struct Connection {
  std::array<std::byte, 40> bytes{};  // as they are hashed, with room for the minute
  std::size_t size = 0, minute_at = 0;
  const std::array<vm::SipKey, 2>* keys = nullptr;
  const std::array<std::uint16_t, 4>* sizes = nullptr;

  [[nodiscard]] std::uint32_t hash(std::uint32_t minute, unsigned key) noexcept {
    std::memcpy(bytes.data() + minute_at, &minute, sizeof minute);
    return static_cast<std::uint32_t>(vm::siphash(std::span(bytes).first(size), (*keys)[key]));
  }
};

const vm::SynCookieKeys& keys_of(const vm::ExecEnv& env) noexcept {
  static constexpr vm::SynCookieKeys kFixed;
  return env.cookies != nullptr ? *env.cookies : kFixed;
}

// Both addresses (at offset 12 of the header), destination and source port in the order in which one number of 32 bits
// with the source port above has them, the minute.
Connection ipv4(Arg header, const Tcp& tcp, const vm::ExecEnv& env) noexcept {
  Connection made;
  std::memcpy(made.bytes.data(), reinterpret_cast<const std::byte*>(header) + 12, 8);
  std::memcpy(made.bytes.data() + 8, tcp.at + 2, 2);
  std::memcpy(made.bytes.data() + 10, tcp.at, 2);
  made.minute_at = 12;
  made.size = 16;
  made.keys = &keys_of(env).ipv4;
  made.sizes = &kSizes4;
  return made;
}

// Both addresses (at offset 8), the minute, source and destination port.
Connection ipv6(Arg header, const Tcp& tcp, const vm::ExecEnv& env) noexcept {
  Connection made;
  std::memcpy(made.bytes.data(), reinterpret_cast<const std::byte*>(header) + 8, 32);
  made.minute_at = 32;
  std::memcpy(made.bytes.data() + 36, tcp.at, 4);
  made.size = 40;
  made.keys = &keys_of(env).ipv6;
  made.sizes = &kSizes6;
  return made;
}

std::uint32_t minute_of(vm::ExecEnv& env) noexcept {
  return static_cast<std::uint32_t>(jiffies64(0, 0, 0, 0, 0, env) / kPerMinute);
}

// The cookie, and above its 32 bits the segment size that it stands for.
Arg make(Connection connection, const Tcp& tcp, std::uint16_t wanted, vm::ExecEnv& env) noexcept {
  const auto& sizes = *connection.sizes;
  std::uint32_t index = 3;
  while (index > 0 && wanted < sizes[index]) --index;
  const std::uint32_t minute = minute_of(env);
  const std::uint32_t cookie =
      connection.hash(0, 0) + tcp.sequence() + (minute << kBits) + ((connection.hash(minute, 1) + index) & kMask);
  return Arg{sizes[index]} << 32 | cookie;
}

Arg check(Connection connection, const Tcp& tcp, vm::ExecEnv& env) noexcept {
  const std::uint32_t rest = tcp.acknowledged() - 1 - connection.hash(0, 0) - (tcp.sequence() - 1);
  const std::uint32_t minute = minute_of(env);
  const std::uint32_t age = (minute - (rest >> kBits)) & 0xff;
  if (age >= kMaxAge) return static_cast<Arg>(std::int64_t{-EACCES});
  const std::uint32_t index = (rest - connection.hash(minute - age, 1)) & kMask;
  return index < connection.sizes->size() ? 0 : static_cast<Arg>(std::int64_t{-EACCES});
}

// A header whose length is what the program says.
bool is_whole(const Tcp& tcp, Arg length) noexcept {
  const auto bytes = static_cast<std::uint32_t>(length);
  return bytes >= kTcpHeader && bytes == tcp.length();
}

Tcp tcp_at(Arg address) noexcept { return {reinterpret_cast<const std::byte*>(address)}; }

}  // namespace

Arg tcp_raw_gen_syncookie_ipv4(Arg ip, Arg header, Arg length, Arg, Arg, vm::ExecEnv& env) noexcept {
  const Tcp tcp = tcp_at(header);
  if (!is_whole(tcp, length)) return static_cast<Arg>(std::int64_t{-EINVAL});
  const std::uint16_t size = tcp.segment_size();
  return make(ipv4(ip, tcp, env), tcp, size != 0 ? size : kDefaultSize4, env);
}

Arg tcp_raw_gen_syncookie_ipv6(Arg ip, Arg header, Arg length, Arg, Arg, vm::ExecEnv& env) noexcept {
  const Tcp tcp = tcp_at(header);
  if (!is_whole(tcp, length)) return static_cast<Arg>(std::int64_t{-EINVAL});
  const std::uint16_t size = tcp.segment_size();
  return make(ipv6(ip, tcp, env), tcp, size != 0 ? size : kDefaultSize6, env);
}

Arg tcp_raw_check_syncookie_ipv4(Arg ip, Arg header, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  const Tcp tcp = tcp_at(header);
  return check(ipv4(ip, tcp, env), tcp, env);
}

Arg tcp_raw_check_syncookie_ipv6(Arg ip, Arg header, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  const Tcp tcp = tcp_at(header);
  return check(ipv6(ip, tcp, env), tcp, env);
}

}  // namespace sluice::helpers
