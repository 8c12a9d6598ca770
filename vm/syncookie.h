#pragma once
// The secrets of SYN cookies (RFC 4987 section 3.6, as Linux makes them): four keys of SipHash-2-4. Constant while
// workers run; one set for all workers, so that a cookie made by one is known to the others.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::vm {

using SipKey = std::array<std::uint64_t, 2>;

struct SynCookieKeys {
  // Of the part that stays as long as the secret does, and of the part that changes every minute.
  std::array<SipKey, 2> ipv4{SipKey{0x736c756963653034, 0x1}, SipKey{0x736c756963653034, 0x2}};
  std::array<SipKey, 2> ipv6{SipKey{0x736c756963653036, 0x1}, SipKey{0x736c756963653036, 0x2}};
};

// Keys by a seed, always the same ones: for runs that repeat.
SynCookieKeys seeded_cookies(std::uint64_t seed) noexcept;

// SipHash-2-4 (Aumasson and Bernstein, 2012). Any thread.
std::uint64_t siphash(std::span<const std::byte> bytes, const SipKey& key) noexcept;

}  // namespace sluice::vm
