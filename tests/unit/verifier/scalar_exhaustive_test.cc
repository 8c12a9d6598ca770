// The scalar domain against all members of its elements at narrow widths. Soundness must hold always; how often a
// result is the best that bits and ranges can express stands in optimality.txt, line by line: a change of it, for the
// better too, is a change of that file (SLUICE_REBASE=1 writes it anew).
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/verifier/optimality.h"
#include "tests/unit/verifier/small_scalars.h"
#include "tests/unit/verifier/small_width.h"
#include "verifier/scalar_impl.h"

namespace sluice::verifier {
namespace {

using namespace small_width;

TYPED_TEST_SUITE(ScalarOfWidth, Widths);

TYPED_TEST(ScalarOfWidth, AluHoldsEveryResult) {
  constexpr unsigned kN = TestFixture::kBits;
  for (std::size_t op = 0; op < kAluOps.size(); ++op) {
    for (const bool wide : {true, false}) {
      const auto table = alu_table<kN>(kAluOps[op], wide);
      Score score;
      for_pairs<kN>(TestFixture::all(), TestFixture::kPairs, [&](const auto& a, const auto& b) {
        const Set exact = results<kN>(table, a, b);
        const auto result = verifier::alu<kN>(kAluOps[op], wide, a.abstract, b.abstract);
        const Set got = members(result);
        EXPECT_TRUE(exact.is_subset_of(got)) << kAluNames[op] << " wide " << wide;
        if (a.list.size() == 1 && b.list.size() == 1) {
          EXPECT_TRUE(result.is_constant())
              << kAluNames[op] << " wide " << wide << ' ' << unsigned(a.list[0]) << ' ' << unsigned(b.list[0]);
        }
        score.template count<kN>(exact, got);
        return !testing::Test::HasFailure();
      });
      recorded().expect(score.text(kN, kAluNames[op], wide));
    }
  }
}

TYPED_TEST(ScalarOfWidth, CastsHoldEveryResult) {
  constexpr unsigned kN = TestFixture::kBits;
  for (unsigned bits = 1; bits <= kN; ++bits) {
    for (const bool is_signed : {true, false}) {
      Score score;
      for (const auto& a : TestFixture::all()) {
        Set exact;
        for (const unsigned x : a.list) {
          const unsigned kept = x & ((1U << bits) - 1);
          exact.add(is_signed ? static_cast<unsigned>(small_width::sign(kept, bits)) & ((1U << kN) - 1) : kept);
        }
        const Set got = members(is_signed ? sign_extend_bits(a.abstract, bits) : zero_extend_bits(a.abstract, bits));
        ASSERT_TRUE(exact.is_subset_of(got)) << bits << " bits, signed " << is_signed;
        score.template count<kN>(exact, got);
      }
      recorded().expect(score.text(kN, (is_signed ? "sext" : "zext") + std::to_string(bits), true));
    }
  }
}

TYPED_TEST(ScalarOfWidth, BranchAndRefineKeepEveryPair) {
  constexpr unsigned kN = TestFixture::kBits;
  for (std::size_t c = 0; c < kConds.size(); ++c) {
    for (const bool wide : {true, false}) {
      Score score;
      std::size_t decided = 0;
      std::size_t decidable = 0;
      const auto holds = [&](unsigned x, unsigned y) {
        return wide ? small_width::compare(kConds[c], kN, x, y)
                    : small_width::compare(kConds[c], kN / 2, low<kN>(x), low<kN>(y));
      };
      for_pairs<kN>(TestFixture::all(), TestFixture::kPairs, [&](const auto& a, const auto& b) {
        std::array<Set, 2> as;  // by whether the condition holds
        std::array<Set, 2> bs;
        for (const unsigned x : a.list) {
          for (const unsigned y : b.list) {
            as[holds(x, y)].add(x);
            bs[holds(x, y)].add(y);
          }
        }
        const Truth truth = branch<kN>(kConds[c], wide, a.abstract, b.abstract);
        EXPECT_TRUE(truth != Truth::kAlways || as[0].empty()) << kCondNames[c] << " wide " << wide;
        EXPECT_TRUE(truth != Truth::kNever || as[1].empty()) << kCondNames[c] << " wide " << wide;
        decidable += as[0].empty() || as[1].empty() ? 1 : 0;
        decided += truth != Truth::kMaybe ? 1 : 0;
        for (const bool taken : {false, true}) {
          auto ra = a.abstract;
          auto rb = b.abstract;
          if (!refine<kN>(kConds[c], wide, taken, ra, rb)) {
            EXPECT_TRUE(as[taken].empty()) << kCondNames[c] << " wide " << wide << " taken " << taken;
            EXPECT_TRUE(ra == a.abstract && rb == b.abstract);
            continue;
          }
          const Set ga = members(ra);
          const Set gb = members(rb);
          EXPECT_TRUE(as[taken].is_subset_of(ga) && ga.is_subset_of(a.set)) << kCondNames[c] << " wide " << wide;
          EXPECT_TRUE(bs[taken].is_subset_of(gb) && gb.is_subset_of(b.set)) << kCondNames[c] << " wide " << wide;
          if (as[taken].empty()) continue;
          score.template count<kN>(as[taken], ga);
          score.template count<kN>(bs[taken], gb);
        }
        return !testing::Test::HasFailure();
      });
      recorded().expect(score.text(kN, kCondNames[c], wide) + ", decides " + std::to_string(decided) + " of " +
                        std::to_string(decidable));
    }
  }
}

TYPED_TEST(ScalarOfWidth, JoinMeetAndInclusionAgreeWithSets) {
  constexpr unsigned kN = TestFixture::kBits;
  Score joins;
  for_pairs<kN>(TestFixture::all(), 10 * TestFixture::kPairs, [&](const auto& a, const auto& b) {
    Set both;
    Set common;
    for (unsigned x = 0; x < 1U << kN; ++x) {
      if (a.set.has(x) || b.set.has(x)) both.add(x);
      if (a.set.has(x) && b.set.has(x)) common.add(x);
    }
    const auto joined = join<kN>(a.abstract, b.abstract);
    const Set got = members(joined);
    EXPECT_TRUE(both.is_subset_of(got));
    joins.template count<kN>(both, got);
    EXPECT_TRUE(a.abstract.is_subset_of(joined) && b.abstract.is_subset_of(joined));
    EXPECT_TRUE(!a.abstract.is_subset_of(b.abstract) || a.set.is_subset_of(b.set));
    const auto met = a.abstract.intersect(b.abstract);
    EXPECT_EQ(met ? members(*met) : Set{}, common);
    return !testing::Test::HasFailure();
  });
  recorded().expect(joins.text(kN, "join", true));
}

TYPED_TEST(ScalarOfWidth, RangesAndConstantsHoldWhatTheySay) {
  constexpr unsigned kN = TestFixture::kBits;
  for (unsigned x = 0; x < 1U << kN; ++x) {
    ASSERT_TRUE(ScalarT<kN>::constant(x).is_constant());
    ASSERT_EQ(ScalarT<kN>::constant(x).constant_value(), x);
    ASSERT_EQ(ScalarT<kN>::constant(x), ScalarT<kN>::range(x, x));
    for (unsigned y = x; y < 1U << kN; ++y) {
      const auto range = ScalarT<kN>::range(x, y);
      const auto sx = Interval<kN>::to_signed(x ^ Interval<kN>::kSign);
      const auto sy = Interval<kN>::to_signed(y ^ Interval<kN>::kSign);
      const auto signed_range = ScalarT<kN>::signed_range(sx, sy);
      for (unsigned z = 0; z < 1U << kN; ++z) {
        ASSERT_EQ(range.contains(z), x <= z && z <= y);
        ASSERT_EQ(signed_range.contains(z), sx <= Interval<kN>::to_signed(z) && Interval<kN>::to_signed(z) <= sy);
      }
    }
  }
}

TYPED_TEST(ScalarOfWidth, KnownBitsAreHeldJustAsTheyAre) {
  constexpr unsigned kN = TestFixture::kBits;
  for (std::uint64_t mask = 0; mask < 1U << kN; ++mask) {
    for (std::uint64_t value = 0; value < 1U << kN; ++value) {
      if ((value & mask) != 0) continue;
      const auto scalar = ScalarT<kN>::of_bits({value, mask});
      for (unsigned z = 0; z < 1U << kN; ++z) ASSERT_EQ(scalar.contains(z), (z & ~mask) == value);
    }
  }
}

}  // namespace
}  // namespace sluice::verifier
