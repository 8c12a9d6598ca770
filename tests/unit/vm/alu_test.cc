#include "vm/alu.h"

#include <array>
#include <limits>

#include <gtest/gtest.h>

namespace sluice::vm {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;
__extension__ using Wide = __int128;
constexpr u64 kMin64 = u64{1} << 63;
constexpr u32 kMin32 = u32{1} << 31;

constexpr AluOp kOps[] = {AluOp::kAdd, AluOp::kSub, AluOp::kMul,    AluOp::kDiv,     AluOp::kSdiv,    AluOp::kOr,
                          AluOp::kAnd, AluOp::kLsh, AluOp::kRsh,    AluOp::kNeg,     AluOp::kMod,     AluOp::kSmod,
                          AluOp::kXor, AluOp::kMov, AluOp::kMovsx8, AluOp::kMovsx16, AluOp::kMovsx32, AluOp::kArsh};

// The same operations worked out in 128-bit signed arithmetic on the values that the bits stand for, and reduced
// modulo 2^bits: an independent second opinion.
template <typename U>
U by_wide_arithmetic(AluOp op, U dst, U src) {
  using S = std::make_signed_t<U>;
  const Wide bits = std::numeric_limits<U>::digits;
  const Wide modulus = Wide{1} << bits;
  const Wide u = dst;
  const Wide v = src;
  const Wide s = static_cast<S>(dst);
  const Wide t = static_cast<S>(src);
  const auto reduce = [&](Wide w) { return static_cast<U>(((w % modulus) + modulus) % modulus); };
  const auto sign = [&](unsigned width) -> Wide {
    const Wide half = Wide{1} << (width - 1);
    const Wide low = v % (half * 2);
    return low >= half ? low - half * 2 : low;
  };
  const auto shift = static_cast<unsigned>(v % bits);
  switch (op) {
    case AluOp::kAdd: return reduce(u + v);
    case AluOp::kSub: return reduce(u - v);
    case AluOp::kMul: {
      U product = 0;  // by shifting and adding
      for (unsigned i = 0; i < bits; ++i) {
        if (((src >> i) & 1) != 0) product = static_cast<U>(product + static_cast<U>(dst << i));
      }
      return product;
    }
    case AluOp::kDiv: return v == 0 ? U{0} : reduce(u / v);
    case AluOp::kSdiv: return v == 0 ? U{0} : reduce(s / t);
    case AluOp::kOr: return reduce(u + v - static_cast<Wide>(dst & src));
    case AluOp::kAnd: return reduce((u + v - static_cast<Wide>(dst ^ src)) / 2);
    case AluOp::kXor: return reduce(u + v - 2 * static_cast<Wide>(dst & src));
    case AluOp::kLsh: {
      U result = dst;
      for (unsigned i = 0; i < shift; ++i) result = static_cast<U>(result + result);
      return result;
    }
    case AluOp::kRsh: return reduce(u / (Wide{1} << shift));
    case AluOp::kNeg: return reduce(-u);
    case AluOp::kMod: return v == 0 ? dst : reduce(u % v);
    case AluOp::kSmod: return v == 0 ? dst : reduce(s % t);
    case AluOp::kMov: return src;
    case AluOp::kMovsx8: return reduce(sign(8));
    case AluOp::kMovsx16: return reduce(sign(16));
    case AluOp::kMovsx32: return reduce(sign(32));
    case AluOp::kArsh: {
      const Wide step = Wide{1} << shift;
      return reduce(s >= 0 ? s / step : -((-s + step - 1) / step));  // rounds down
    }
  }
  return 0;
}

template <typename U>
constexpr std::array<U, 26> edges() {
  using L = std::numeric_limits<U>;
  constexpr U kTop = U{1} << (L::digits - 1);
  return {0,
          1,
          2,
          3,
          7,
          15,
          31,
          32,
          33,
          63,
          64,
          65,
          0x7f,
          0x80,
          0xff,
          0x7fff,
          0x8000,
          0xffff,
          static_cast<U>(kTop - 1),
          kTop,
          static_cast<U>(kTop + 1),
          static_cast<U>(L::max() - 1),
          L::max(),
          static_cast<U>(0x123456789abcdef0U),
          static_cast<U>(0xfedcba9876543210U),
          static_cast<U>(0x80000000U)};
}

template <typename U>
void compare_all_edges() {
  for (const AluOp op : kOps) {
    for (const U a : edges<U>()) {
      for (const U b : edges<U>()) {
        ASSERT_EQ(alu<U>(op, a, b), by_wide_arithmetic<U>(op, a, b)) << int(op) << " " << a << " " << b;
      }
    }
  }
}

TEST(Alu, AgreesWithWideArithmeticOnAllPairsOfEdgeValues64) { compare_all_edges<u64>(); }
TEST(Alu, AgreesWithWideArithmeticOnAllPairsOfEdgeValues32) { compare_all_edges<u32>(); }

TEST(Alu, AgreesWithWideArithmeticOnAllPairsOfEightBitValues) {
  for (const AluOp op : kOps) {
    if (op == AluOp::kMovsx16 || op == AluOp::kMovsx32) continue;  // wider than the operand
    for (unsigned a = 0; a < 256; ++a) {
      for (unsigned b = 0; b < 256; ++b) {
        const auto x = static_cast<std::uint8_t>(a);
        const auto y = static_cast<std::uint8_t>(b);
        ASSERT_EQ(alu<std::uint8_t>(op, x, y), by_wide_arithmetic<std::uint8_t>(op, x, y))
            << int(op) << " " << a << " " << b;
      }
    }
  }
}

TEST(Alu, DivisionByZeroIsZeroAndModuloByZeroTheDividend) {
  EXPECT_EQ(alu<u64>(AluOp::kDiv, 5, 0), 0U);
  EXPECT_EQ(alu<u64>(AluOp::kSdiv, 5, 0), 0U);
  EXPECT_EQ(alu<u64>(AluOp::kMod, 5, 0), 5U);
  EXPECT_EQ(alu<u64>(AluOp::kSmod, u64(-5), 0), u64(-5));
}

TEST(Alu, LeastIntegerByMinusOneDoesNotTrap) {
  EXPECT_EQ(alu<u64>(AluOp::kSdiv, kMin64, ~u64{0}), kMin64);
  EXPECT_EQ(alu<u64>(AluOp::kSmod, kMin64, ~u64{0}), 0U);
  EXPECT_EQ(alu<u32>(AluOp::kSdiv, kMin32, ~u32{0}), kMin32);
  EXPECT_EQ(alu<u32>(AluOp::kSmod, kMin32, ~u32{0}), 0U);
}

TEST(Alu, ShiftAmountsAreTakenModuloTheWidth) {
  EXPECT_EQ(alu<u64>(AluOp::kLsh, 1, 64), 1U);
  EXPECT_EQ(alu<u64>(AluOp::kRsh, 8, 65), 4U);
  EXPECT_EQ(alu<u32>(AluOp::kLsh, 1, 33), 2U);
  EXPECT_EQ(alu<u32>(AluOp::kArsh, kMin32, 63), ~u32{0});
}

TEST(Alu, EndianSwapsOrTruncates) {
  constexpr u64 kValue = 0x0123456789abcdef;
  EXPECT_EQ(endian(EndianOp::kToLittle, kValue, 2), 0xcdefU);
  EXPECT_EQ(endian(EndianOp::kToLittle, kValue, 4), 0x89abcdefU);
  EXPECT_EQ(endian(EndianOp::kToLittle, kValue, 8), kValue);
  for (const EndianOp op : {EndianOp::kToBig, EndianOp::kSwap}) {
    EXPECT_EQ(endian(op, kValue, 2), 0xefcdU);
    EXPECT_EQ(endian(op, kValue, 4), 0xefcdab89U);
    EXPECT_EQ(endian(op, kValue, 8), 0xefcdab8967452301U);
  }
}

template <typename U>
void compare_conditions() {
  using S = std::make_signed_t<U>;
  for (const U a : edges<U>()) {
    for (const U b : edges<U>()) {
      const Wide s = static_cast<S>(a);
      const Wide t = static_cast<S>(b);
      EXPECT_EQ(compare<U>(Cond::kEq, a, b), (a ^ b) == 0);
      EXPECT_EQ(compare<U>(Cond::kNe, a, b), (a ^ b) != 0);
      EXPECT_EQ(compare<U>(Cond::kGt, a, b), Wide{a} - Wide{b} > 0);
      EXPECT_EQ(compare<U>(Cond::kGe, a, b), Wide{a} - Wide{b} >= 0);
      EXPECT_EQ(compare<U>(Cond::kLt, a, b), Wide{a} - Wide{b} < 0);
      EXPECT_EQ(compare<U>(Cond::kLe, a, b), Wide{a} - Wide{b} <= 0);
      EXPECT_EQ(compare<U>(Cond::kSgt, a, b), s - t > 0);
      EXPECT_EQ(compare<U>(Cond::kSge, a, b), s - t >= 0);
      EXPECT_EQ(compare<U>(Cond::kSlt, a, b), s - t < 0);
      EXPECT_EQ(compare<U>(Cond::kSle, a, b), s - t <= 0);
      EXPECT_EQ(compare<U>(Cond::kSet, a, b), static_cast<U>(~(static_cast<U>(~a) | static_cast<U>(~b))) != 0);
    }
  }
}

TEST(Compare, AgreesWithWideArithmeticOnAllPairsOfEdgeValues64) { compare_conditions<u64>(); }
TEST(Compare, AgreesWithWideArithmeticOnAllPairsOfEdgeValues32) { compare_conditions<u32>(); }

}  // namespace
}  // namespace sluice::vm
