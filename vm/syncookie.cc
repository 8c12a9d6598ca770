#include "vm/syncookie.h"

#include "vm/exec_env.h"

#include <bit>
#include <cstring>

namespace sluice::vm {
namespace {

struct SipState {
  std::uint64_t a, b, c, d;

  void round() noexcept {
    a += b;
    c += d;
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32) + d;
    c += b;
    d = std::rotl(d, 21) ^ a;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }
  void take(std::uint64_t word) noexcept {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

}  // namespace

std::uint64_t siphash(std::span<const std::byte> bytes, const SipKey& key) noexcept {
  // "somepseudorandomlygeneratedbytes"
  SipState state{key[0] ^ 0x736f6d6570736575U, key[1] ^ 0x646f72616e646f6dU, key[0] ^ 0x6c7967656e657261U,
                 key[1] ^ 0x7465646279746573U};
  std::uint64_t last = std::uint64_t{bytes.size()} << 56;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    state.take(word);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
  state.take(last | rest);
  state.c ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

SynCookieKeys seeded_cookies(std::uint64_t seed) noexcept {
  // Numbers of their own: not those that programs get by bpf_get_prandom_u32 of the same seed.
  Prng numbers{.state = seed ^ 0x636f'6f6b'6965'7321U};
  const auto number = [&numbers] {
    const std::uint64_t high = numbers.next();
    return high << 32 | numbers.next();
  };
  SynCookieKeys keys;
  for (auto* const family : {&keys.ipv4, &keys.ipv6}) {
    for (SipKey& key : *family) {
      for (std::uint64_t& half : key) half = number();
    }
  }
  return keys;
}

}  // namespace sluice::vm
