#pragma once
// What every ALU operation, byte swap and comparison means (RFC 9669 sections 4 and 5), once. The interpreter runs
// these, the verifier folds constants with them, exhaustive tests check abstract operations against them. Pure
// functions of their arguments: any thread, usable in constant expressions.
#include <cstdint>
#include <limits>
#include <type_traits>

#include "vm/isa.h"

namespace sluice::vm {

// `U` is std::uint64_t or std::uint32_t (tests also use narrower ones). A 32-bit result is zero-extended by the caller.
// Division by zero gives 0, modulo by zero the dividend; INT_MIN / -1 is INT_MIN and its remainder 0; shifts use the
// low bits of the amount.
template <typename U>
constexpr U alu(AluOp op, U dst, U src) {
  using S = std::make_signed_t<U>;
  constexpr unsigned kMask = std::numeric_limits<U>::digits - 1;
  const auto shift = static_cast<unsigned>(src) & kMask;
  const auto sdst = static_cast<S>(dst);
  const auto ssrc = static_cast<S>(src);
  switch (op) {
    case AluOp::kAdd: return static_cast<U>(dst + src);
    case AluOp::kSub: return static_cast<U>(dst - src);
    case AluOp::kMul: return static_cast<U>(static_cast<std::uint64_t>(dst) * src);
    case AluOp::kDiv: return src == 0 ? U{0} : static_cast<U>(dst / src);
    case AluOp::kSdiv:
      if (src == 0) return 0;
      return ssrc == -1 ? static_cast<U>(U{0} - dst) : static_cast<U>(sdst / ssrc);
    case AluOp::kOr: return static_cast<U>(dst | src);
    case AluOp::kAnd: return static_cast<U>(dst & src);
    case AluOp::kLsh: return static_cast<U>(static_cast<std::uint64_t>(dst) << shift);
    case AluOp::kRsh: return static_cast<U>(dst >> shift);
    case AluOp::kNeg: return static_cast<U>(U{0} - dst);
    case AluOp::kMod: return src == 0 ? dst : static_cast<U>(dst % src);
    case AluOp::kSmod:
      if (src == 0) return dst;
      return ssrc == -1 ? U{0} : static_cast<U>(sdst % ssrc);
    case AluOp::kXor: return static_cast<U>(dst ^ src);
    case AluOp::kMov: return src;
    case AluOp::kMovsx8: return static_cast<U>(static_cast<S>(static_cast<std::int8_t>(src)));
    case AluOp::kMovsx16: return static_cast<U>(static_cast<S>(static_cast<std::int16_t>(src)));
    case AluOp::kMovsx32: return static_cast<U>(static_cast<S>(static_cast<std::int32_t>(src)));
    case AluOp::kArsh: return static_cast<U>(sdst >> shift);
  }
  return 0;
}

// `bytes` (2, 4 or 8) of `value` in the other order or truncated, the rest zero; for a little-endian machine.
constexpr std::uint64_t endian(EndianOp op, std::uint64_t value, unsigned bytes) {
  const bool swap = op != EndianOp::kToLittle;
  switch (bytes) {
    case 2: return swap ? __builtin_bswap16(static_cast<std::uint16_t>(value)) : static_cast<std::uint16_t>(value);
    case 4: return swap ? __builtin_bswap32(static_cast<std::uint32_t>(value)) : static_cast<std::uint32_t>(value);
    default: return swap ? __builtin_bswap64(value) : value;
  }
}

template <typename U>
constexpr bool compare(Cond cond, U a, U b) {
  using S = std::make_signed_t<U>;
  switch (cond) {
    case Cond::kEq: return a == b;
    case Cond::kGt: return a > b;
    case Cond::kGe: return a >= b;
    case Cond::kSet: return (a & b) != 0;
    case Cond::kNe: return a != b;
    case Cond::kSgt: return static_cast<S>(a) > static_cast<S>(b);
    case Cond::kSge: return static_cast<S>(a) >= static_cast<S>(b);
    case Cond::kLt: return a < b;
    case Cond::kLe: return a <= b;
    case Cond::kSlt: return static_cast<S>(a) < static_cast<S>(b);
    case Cond::kSle: return static_cast<S>(a) <= static_cast<S>(b);
  }
  return false;
}

}  // namespace sluice::vm
