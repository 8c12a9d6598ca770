#include "jit/x86_64/reciprocal.h"

#include <bit>
#include <cstdint>

#include <gtest/gtest.h>

#include "vm/exec_env.h"

namespace sluice::jit::x86_64 {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t quotient(std::uint64_t n, const Reciprocal& by, unsigned bits) {
  const Wide multiplier = Wide{by.multiplier} + (by.extra ? Wide{1} << bits : Wide{0});
  // n * multiplier may need 129 bits: the extra bit's share is added after the shift.
  const Wide low = Wide{n} * by.multiplier >> bits;
  const Wide sum = by.extra ? low + n : Wide{n} * multiplier >> bits;
  return static_cast<std::uint64_t>(sum >> by.shift);
}

void expect_exact(std::uint32_t divisor, unsigned bits) {
  const Reciprocal by = reciprocal(divisor, bits);
  const std::uint64_t most = bits == 64 ? ~std::uint64_t{0} : 0xffffffff;
  const std::uint64_t last = most / divisor * divisor;  // the greatest multiple
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{divisor} - 1, std::uint64_t{divisor},
                                std::uint64_t{divisor} + 1, last - 1, last, most, most / 2, most / 2 + 1}) {
    ASSERT_EQ(quotient(n, by, bits), n / divisor) << n << " / " << divisor;
  }
}

// The greatest multiple and its predecessor are where a multiplier that is not exact enough fails first.
TEST(Reciprocal, IsExactForEverySmallDivisor) {
  for (std::uint32_t divisor = 3; divisor < 20'000; ++divisor) {
    if (std::has_single_bit(divisor)) continue;
    expect_exact(divisor, 32);
    expect_exact(divisor, 64);
  }
}

TEST(Reciprocal, IsExactForRandomDivisors) {
  vm::Prng random{1};
  for (unsigned i = 0; i < 20'000; ++i) {
    const std::uint32_t divisor = random.next() >> random.next() % 30;
    if (divisor == 0 || std::has_single_bit(divisor)) continue;
    expect_exact(divisor, 32);
    expect_exact(divisor, 64);
  }
}

}  // namespace
}  // namespace sluice::jit::x86_64
