#include <cstring>

#include "helpers/functions.h"

namespace sluice::helpers {
namespace {

// One's complement arithmetic (RFC 1071) on 32 bits: zero only when everything added was zero.
std::uint32_t add(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t sum = std::uint64_t{a} + b;
  return static_cast<std::uint32_t>(sum) + static_cast<std::uint32_t>(sum >> 32);
}

// `start` plus the 32-bit words at `from`, the last one padded with zeroes.
std::uint32_t sum_of(Arg from, std::uint32_t bytes, std::uint32_t start) {
  const auto* at = reinterpret_cast<const std::byte*>(from);
  std::uint64_t sum = start;  // at most 2^30 words of 32 bits: no carry is lost
  for (std::uint32_t i = 0; i < bytes; i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, at + i, bytes - i < 4 ? bytes - i : 4);
    sum += word;
  }
  return add(static_cast<std::uint32_t>(sum), static_cast<std::uint32_t>(sum >> 32));
}

std::uint32_t fold(std::uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

}  // namespace

// As since 6.13: the result is folded to 16 bits, the same on every CPU, and sizes need not be multiples of 4.
Arg csum_diff(Arg from, Arg from_size, Arg to, Arg to_size, Arg seed, vm::ExecEnv& /*env*/) noexcept {
  const auto from_bytes = static_cast<std::uint32_t>(from_size);
  const auto to_bytes = static_cast<std::uint32_t>(to_size);
  auto sum = static_cast<std::uint32_t>(seed);
  if (from_bytes != 0 && to_bytes != 0) {
    sum = add(sum_of(to, to_bytes, sum), ~sum_of(from, from_bytes, 0));
  } else if (to_bytes != 0) {
    sum = sum_of(to, to_bytes, sum);
  } else if (from_bytes != 0) {
    sum = ~sum_of(from, from_bytes, ~sum);
  }
  return fold(sum);
}

}  // namespace sluice::helpers
