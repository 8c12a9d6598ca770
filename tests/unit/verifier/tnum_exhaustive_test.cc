// Every operation on every pair of tristate numbers of 4, 5 and 6 bits: sound always, and how often the best there is.
#include <array>
#include <functional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/verifier/optimality.h"
#include "tests/unit/verifier/small_width.h"
#include "verifier/tnum.h"

namespace sluice::verifier {
namespace {

using T = Tnum<std::uint64_t>;

std::vector<T> all_tnums(unsigned n) {
  std::vector<T> all;
  for (std::uint64_t mask = 0; mask < 1U << n; ++mask) {
    for (std::uint64_t value = 0; value < 1U << n; ++value) {
      if ((value & mask) == 0) all.push_back({value, mask});
    }
  }
  return all;
}

std::vector<unsigned> members(const T& t, unsigned n) {
  std::vector<unsigned> out;
  for (unsigned x = 0; x < 1U << n; ++x) {
    if (t.contains(x)) out.push_back(x);
  }
  return out;
}

class TnumOfWidth : public testing::TestWithParam<unsigned> {
 protected:
  // `abstract` covers `concrete` on all pairs; returns which part of the results is the best possible.
  double check(std::string_view name, const std::function<T(const T&, const T&)>& abstract,
               const std::function<unsigned(unsigned, unsigned)>& concrete) {
    const unsigned n = GetParam();
    const auto all = all_tnums(n);
    std::vector<std::vector<unsigned>> sets;
    for (const T& t : all) sets.push_back(members(t, n));
    std::vector<unsigned> table(std::size_t{1} << (2 * n));
    for (unsigned x = 0; x < 1U << n; ++x) {
      for (unsigned y = 0; y < 1U << n; ++y) table[x << n | y] = concrete(x, y);
    }
    std::size_t best = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all.size(); ++j) {
        std::uint64_t ones = T::low_bits(n);
        std::uint64_t any = 0;
        for (const unsigned x : sets[i]) {
          for (const unsigned y : sets[j]) {
            ones &= table[x << n | y];
            any |= table[x << n | y];
          }
        }
        const T got = abstract(all[i], all[j]);
        const T ideal{ones, any & ~ones};
        if (!ideal.is_subset_of(got) || (got.value & got.mask) != 0 || got.max() > T::low_bits(n)) {
          ADD_FAILURE() << name << " of " << all[i].value << '/' << all[i].mask << " and " << all[j].value << '/'
                        << all[j].mask << " gives " << got.value << '/' << got.mask;
          return 0;
        }
        best += got == ideal ? 1 : 0;
      }
    }
    const double ratio = static_cast<double>(best) / static_cast<double>(all.size() * all.size());
    std::array<char, 64> line{};
    std::snprintf(line.data(), line.size(), "%u bits of tnum %-4.*s best possible in %6.2f %%", n,
                  static_cast<int>(name.size()), name.data(), 100 * ratio);
    recorded().expect(line.data());
    return ratio;
  }
  double check(std::string_view name, vm::AluOp op, const std::function<T(const T&, const T&)>& abstract) {
    const unsigned n = GetParam();
    return check(name, abstract, [op, n](unsigned a, unsigned b) { return small_width::alu(op, n, a, b); });
  }
};

TEST_P(TnumOfWidth, ArithmeticHoldsEveryResult) {
  const unsigned n = GetParam();
  EXPECT_EQ(check("add", vm::AluOp::kAdd, [n](auto& a, auto& b) { return (a + b).truncate(n); }), 1);
  EXPECT_EQ(check("sub", vm::AluOp::kSub, [n](auto& a, auto& b) { return (a - b).truncate(n); }), 1);
  EXPECT_EQ(check("neg", vm::AluOp::kNeg, [n](auto& a, auto&) { return (-a).truncate(n); }), 1);
  EXPECT_GT(check("mul", vm::AluOp::kMul, [n](auto& a, auto& b) { return (a * b).truncate(n); }), 0.9);
}

TEST_P(TnumOfWidth, BitOperationsAreExact) {
  EXPECT_EQ(check("and", vm::AluOp::kAnd, [](auto& a, auto& b) { return a & b; }), 1);
  EXPECT_EQ(check("or", vm::AluOp::kOr, [](auto& a, auto& b) { return a | b; }), 1);
  EXPECT_EQ(check("xor", vm::AluOp::kXor, [](auto& a, auto& b) { return a ^ b; }), 1);
}

TEST_P(TnumOfWidth, ShiftsByAConstantAreExact) {
  const unsigned n = GetParam();
  for (unsigned k = 0; k < n; ++k) {
    const auto shifted = [&](std::string_view name, vm::AluOp op, const std::function<T(const T&)>& abstract) {
      EXPECT_EQ(check(
                    name, [&](auto& a, auto&) { return abstract(a); },
                    [op, n, k](unsigned a, unsigned) { return small_width::alu(op, n, a, k); }),
                1);
    };
    shifted("lsh", vm::AluOp::kLsh, [n, k](auto& a) { return (a << k).truncate(n); });
    shifted("rsh", vm::AluOp::kRsh, [k](auto& a) { return a >> k; });
    shifted("arsh", vm::AluOp::kArsh, [n, k](auto& a) { return arithmetic_shift_right(a, k, n); });
  }
}

TEST_P(TnumOfWidth, CastsAreExact) {
  const unsigned n = GetParam();
  for (unsigned k = 1; k <= n; ++k) {
    EXPECT_EQ(check(
                  "zext", [k](auto& a, auto&) { return a.truncate(k); },
                  [k](unsigned a, unsigned) { return a & ((1U << k) - 1); }),
              1);
    EXPECT_EQ(check(
                  "sext", [n, k](auto& a, auto&) { return a.sign_extend(k).truncate(n); },
                  [n, k](unsigned a, unsigned) {
                    return static_cast<unsigned>(small_width::sign(a & ((1U << k) - 1), k)) & ((1U << n) - 1);
                  }),
              1);
  }
}

TEST_P(TnumOfWidth, SetOperationsAreExact) {
  const unsigned n = GetParam();
  for (const T& a : all_tnums(n)) {
    for (const T& b : all_tnums(n)) {
      const auto both = a.intersect(b);
      const T hull = a.unite(b);
      bool any = false;
      bool inside = true;
      for (unsigned x = 0; x < 1U << n; ++x) {
        const bool common = a.contains(x) && b.contains(x);
        any = any || common;
        inside = inside && (!a.contains(x) || b.contains(x));
        ASSERT_TRUE(!common || (both && both->contains(x)));
        ASSERT_TRUE(!both || !both->contains(x) || common);
        ASSERT_TRUE(hull.contains(x) || (!a.contains(x) && !b.contains(x)));
      }
      ASSERT_EQ(both.has_value(), any);
      ASSERT_EQ(a.is_disjoint_from(b), !any);
      ASSERT_EQ(a.is_subset_of(b), inside);
    }
  }
}

TEST_P(TnumOfWidth, RangesAndNeighboursAreExact) {
  const unsigned n = GetParam();
  const unsigned all = (1U << n) - 1;
  for (unsigned low = 0; low <= all; ++low) {
    for (unsigned high = low; high <= all; ++high) {
      std::uint64_t ones = all;
      std::uint64_t any = 0;
      for (unsigned x = low; x <= high; ++x) {
        ones &= x;
        any |= x;
      }
      const std::uint64_t known = T::range(low, high).mask;
      ASSERT_TRUE((T{ones, any & ~ones}.is_subset_of(T::range(low, high))));
      // All bits below the first that differs are free: what the ends have in common above it is known.
      ASSERT_EQ(known, low == high ? 0 : std::bit_ceil((low ^ high) + std::uint64_t{1}) - 1);
    }
  }
  for (const T& t : all_tnums(n)) {
    const auto set = members(t, n);
    for (unsigned x = 0; x <= all; ++x) {
      const auto at_least = std::lower_bound(set.begin(), set.end(), x);
      const auto above = std::upper_bound(set.begin(), set.end(), x);
      const auto first = t.first_from(x);
      const auto last = t.last_up_to(x);
      ASSERT_EQ(first.has_value(), at_least != set.end());
      ASSERT_EQ(last.has_value(), above != set.begin());
      if (first) {
        ASSERT_EQ(*first, *at_least);
      }
      if (last) {
        ASSERT_EQ(*last, *(above - 1));
      }
    }
  }
}

// The highest bit is one like the others; narrow widths never come to it.
TEST(TnumOfAllDigits, RangesOverTheHighestBitKnowNothingBelow) {
  constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
  EXPECT_EQ(T::range(0, ~std::uint64_t{0}), (T{0, ~std::uint64_t{0}}));
  EXPECT_EQ(T::range(kTop - 1, kTop), (T{0, ~std::uint64_t{0}}));
  EXPECT_EQ(T::range(kTop, kTop + 1), (T{kTop, 1}));
  EXPECT_EQ((Tnum<std::uint8_t>::range(127, 128)), (Tnum<std::uint8_t>{0, 0xff}));
}

INSTANTIATE_TEST_SUITE_P(Width, TnumOfWidth, testing::Values(4U, 5U, 6U), testing::PrintToStringParamName());

}  // namespace
}  // namespace sluice::verifier
