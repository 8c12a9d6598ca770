#include "verifier/scalar.h"

#include <array>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/verifier/small_width.h"
#include "vm/alu.h"

namespace sluice::verifier {
namespace {

using small_width::kAluNames;
using small_width::kAluOps;
using small_width::kCondNames;
using small_width::kConds;
using vm::AluOp;
using vm::Cond;

std::uint64_t concrete(AluOp op, bool wide, std::uint64_t a, std::uint64_t b) {
  if (wide) return vm::alu<std::uint64_t>(op, a, b);
  return vm::alu<std::uint32_t>(op, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
}

bool holds(Cond cond, bool wide, std::uint64_t a, std::uint64_t b) {
  if (wide) return vm::compare<std::uint64_t>(cond, a, b);
  return vm::compare<std::uint32_t>(cond, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
}

// A scalar and some of its members, the ends of its ranges among them where they are members.
struct Drawn {
  Scalar scalar;
  std::vector<std::uint64_t> members;
};

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  // Numbers near powers of two and small ones, where carries and signs change.
  std::uint64_t number() {
    const std::uint64_t x = random_();
    switch (random_() % 5) {
      case 0: return x;
      case 1: return x % 16;
      case 2: return (std::uint64_t{1} << (x % 64)) + (x >> 32) % 5 - 2;
      case 3: return 0 - (std::uint64_t{1} << (x % 64)) + (x >> 32) % 5 - 2;
      default: return x >> (random_() % 64);
    }
  }
  Drawn scalar() {
    for (;;) {
      const std::uint64_t member = number();
      Interval<64> whole;
      Interval<32> half;
      const auto kinds = random_();
      if ((kinds & 1) != 0) whole.bits.mask = number() | number();
      if ((kinds & 1) != 0) whole.bits.value = member & ~whole.bits.mask;
      if ((kinds & 2) != 0) whole.meet_unsigned(member - std::min(member, number()), member | number());
      if ((kinds & 4) != 0)
        whole.smin = std::min(static_cast<std::int64_t>(number()), static_cast<std::int64_t>(member));
      if ((kinds & 4) != 0)
        whole.smax = std::max(static_cast<std::int64_t>(number()), static_cast<std::int64_t>(member));
      const std::uint64_t low = member & 0xffffffff;
      if ((kinds & 8) != 0) half.meet_unsigned(low & number(), (low | number()) & 0xffffffff);
      if ((kinds & 0x70) == 0) whole = Interval<64>::constant(member);
      const auto made = Scalar::meet_of(whole, half);
      EXPECT_TRUE(made && made->contains(member)) << "settling lost " << member;
      if (!made) continue;
      Drawn drawn{*made, {member}};
      for (const std::uint64_t x :
           {made->umin(), made->umax(), static_cast<std::uint64_t>(made->smin()),
            static_cast<std::uint64_t>(made->smax()), (member & ~made->bits().mask) | (number() & made->bits().mask)}) {
        if (made->contains(x)) drawn.members.push_back(x);
      }
      return drawn;
    }
  }

 private:
  std::mt19937_64 random_;
};

TEST(Scalar, AluHoldsResultsOfDrawnMembers) {
  Draw draw(1);
  for (int round = 0; round < 1'500; ++round) {
    const Drawn a = draw.scalar();
    const Drawn b = draw.scalar();
    for (std::size_t op = 0; op < kAluOps.size(); ++op) {
      for (const bool wide : {true, false}) {
        const Scalar result = alu(kAluOps[op], wide, a.scalar, b.scalar);
        for (const auto x : a.members) {
          for (const auto y : b.members) {
            ASSERT_TRUE(result.contains(concrete(kAluOps[op], wide, x, y)))
                << kAluNames[op] << " wide " << wide << ' ' << x << ' ' << y;
          }
        }
        if (a.scalar.is_constant() && b.scalar.is_constant()) {
          ASSERT_TRUE(result.is_constant()) << kAluNames[op];
        }
      }
    }
  }
}

TEST(Scalar, BranchAndRefineAgreeWithDrawnMembers) {
  Draw draw(2);
  for (int round = 0; round < 2'000; ++round) {
    const Drawn a = draw.scalar();
    const Drawn b = draw.scalar();
    for (std::size_t c = 0; c < kConds.size(); ++c) {
      for (const bool wide : {true, false}) {
        const Truth truth = branch(kConds[c], wide, a.scalar, b.scalar);
        for (const bool taken : {true, false}) {
          Scalar ra = a.scalar;
          Scalar rb = b.scalar;
          const bool possible = refine(kConds[c], wide, taken, ra, rb);
          for (const auto x : a.members) {
            for (const auto y : b.members) {
              if (holds(kConds[c], wide, x, y) != taken) continue;
              ASSERT_TRUE(truth != (taken ? Truth::kNever : Truth::kAlways)) << kCondNames[c] << ' ' << x << ' ' << y;
              ASSERT_TRUE(possible && ra.contains(x) && rb.contains(y)) << kCondNames[c] << ' ' << x << ' ' << y;
            }
          }
        }
      }
    }
  }
}

TEST(Scalar, CastsSwapsAndJoinsHoldDrawnMembers) {
  Draw draw(3);
  for (int round = 0; round < 6'000; ++round) {
    const Drawn a = draw.scalar();
    const Drawn b = draw.scalar();
    const Scalar joined = join(a.scalar, b.scalar);
    for (const auto x : a.members) {
      ASSERT_TRUE(joined.contains(x));
      for (const unsigned bytes : {1U, 2U, 4U, 8U}) {
        const unsigned shift = 64 - 8 * bytes;
        ASSERT_TRUE(zero_extend(a.scalar, bytes).contains(x << shift >> shift));
        ASSERT_TRUE(sign_extend(a.scalar, bytes)
                        .contains(static_cast<std::uint64_t>(static_cast<std::int64_t>(x << shift) >> shift)));
        if (bytes == 1) continue;
        for (const auto op : {vm::EndianOp::kToLittle, vm::EndianOp::kToBig, vm::EndianOp::kSwap}) {
          ASSERT_TRUE(endian(op, a.scalar, bytes).contains(vm::endian(op, x, bytes)));
        }
      }
    }
    for (const auto x : b.members) ASSERT_TRUE(joined.contains(x));
  }
}

TEST(Scalar, UnknownHoldsEverything) {
  EXPECT_TRUE(Scalar::unknown().contains(0));
  EXPECT_TRUE(Scalar::unknown().contains(~std::uint64_t{0}));
  EXPECT_TRUE(Scalar::constant(7).is_subset_of(Scalar::unknown()));
  EXPECT_FALSE(Scalar::unknown().is_subset_of(Scalar::constant(7)));
}

// --- what real XDP programs need to be known exactly ---

TEST(Scalar, HeaderLengthFromANibbleIsBoundedAndAligned) {
  const Scalar byte = zero_extend(Scalar::unknown(), 1);
  const Scalar nibble = alu(AluOp::kAnd, false, byte, Scalar::constant(15));
  const Scalar length = alu(AluOp::kLsh, true, nibble, Scalar::constant(2));
  EXPECT_EQ(length.umin(), 0U);
  EXPECT_EQ(length.umax(), 60U);
  EXPECT_EQ(length.bits(), (Tnum<std::uint64_t>{0, 60}));
  Scalar at_least = length;
  Scalar twenty = Scalar::constant(20);
  ASSERT_TRUE(refine(Cond::kLt, false, false, at_least, twenty));
  EXPECT_EQ(at_least.umin(), 20U);
  EXPECT_EQ(at_least.umax(), 60U);
}

TEST(Scalar, NarrowCompareBoundsTheWholeWhenTheUpperHalfIsZero) {
  Scalar length = zero_extend(Scalar::unknown(), 4);
  Scalar limit = Scalar::constant(1500);
  ASSERT_TRUE(refine(Cond::kGt, false, false, length, limit));
  EXPECT_EQ(length.umax(), 1500U);
  EXPECT_EQ(length.smin(), 0);
}

TEST(Scalar, NarrowCompareOfAnUnknownBoundsOnlyTheHalf) {
  Scalar value;
  Scalar limit = Scalar::constant(9);
  ASSERT_TRUE(refine(Cond::kLe, false, true, value, limit));
  EXPECT_EQ(value.u32max(), 9U);
  EXPECT_EQ(value.umax(), 0xffffffff00000009U);
  EXPECT_EQ(alu(AluOp::kMov, false, value, value).umax(), 9U);
}

TEST(Scalar, SignExtensionByShiftsKeepsABound) {
  Scalar value = zero_extend(Scalar::unknown(), 4);
  Scalar limit = Scalar::constant(100);
  ASSERT_TRUE(refine(Cond::kSlt, false, true, value, limit));
  Scalar zero = Scalar::constant(0);
  ASSERT_TRUE(refine(Cond::kSge, false, true, value, zero));
  const Scalar up = alu(AluOp::kLsh, true, value, Scalar::constant(32));
  EXPECT_EQ(alu(AluOp::kArsh, true, up, Scalar::constant(32)).umax(), 99U);
}

TEST(Scalar, EqualAndNotEqualLearnAtTheEnds) {
  Scalar value = Scalar::range(0, 8);
  Scalar zero = Scalar::constant(0);
  ASSERT_TRUE(refine(Cond::kEq, true, false, value, zero));
  EXPECT_EQ(value.umin(), 1U);
  Scalar eight = Scalar::constant(8);
  ASSERT_TRUE(refine(Cond::kNe, true, true, value, eight));
  EXPECT_EQ(value.umax(), 7U);
  Scalar seven = Scalar::constant(7);
  ASSERT_TRUE(refine(Cond::kEq, true, true, value, seven));
  EXPECT_TRUE(value.is_constant());
  EXPECT_FALSE(refine(Cond::kEq, true, false, value, seven));
}

TEST(Scalar, JsetLearnsBits) {
  Scalar value;
  Scalar eight = Scalar::constant(8);
  ASSERT_TRUE(refine(Cond::kSet, true, true, value, eight));
  EXPECT_EQ(branch(Cond::kSet, true, value, eight), Truth::kAlways);
  EXPECT_GE(value.umin(), 8U);
  Scalar other;
  Scalar high = Scalar::constant(~std::uint64_t{0xff});
  ASSERT_TRUE(refine(Cond::kSet, true, false, other, high));
  EXPECT_EQ(other.umax(), 0xffU);
}

TEST(Scalar, NetworkOrderConstantsFold) {
  EXPECT_EQ(endian(vm::EndianOp::kToBig, Scalar::constant(0x0800), 2).constant_value(), 0x0008U);
  EXPECT_EQ(endian(vm::EndianOp::kToBig, Scalar::unknown(), 2).umax(), 0xffffU);
  EXPECT_EQ(endian(vm::EndianOp::kSwap, Scalar::constant(0x1122334455667788), 8).constant_value(), 0x8877665544332211U);
}

TEST(Scalar, ErrnoRangeIsNegativeOrZero) {
  const Scalar error = Scalar::signed_range(-4095, 0);
  EXPECT_EQ(branch(Cond::kSgt, true, error, Scalar::constant(0)), Truth::kNever);
  EXPECT_EQ(error.s32min(), -4095);
  Scalar value = error;
  Scalar zero = Scalar::constant(0);
  ASSERT_TRUE(refine(Cond::kSlt, false, false, value, zero));
  EXPECT_TRUE(value.is_constant());
}

}  // namespace
}  // namespace sluice::verifier
