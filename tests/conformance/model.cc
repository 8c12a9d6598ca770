#include "tests/conformance/model.h"

namespace sluice::testing_support::model {
namespace {

__extension__ typedef __int128 Wide;  // NOLINT: `using` cannot say __extension__
using vm::AluOp;
using vm::AtomicOp;
using vm::Cond;
using vm::EndianOp;
using vm::Kind;

constexpr Wide power_of_two(unsigned bits) { return Wide{1} << bits; }

// `value` modulo 2^bits, 0 or more.
Wide modulo(Wide value, unsigned bits) {
  const Wide rest = value % power_of_two(bits);
  return rest < 0 ? rest + power_of_two(bits) : rest;
}

// The low `bits` bits of a register as a number of two's complement.
Wide as_signed(std::uint64_t value, unsigned bits) {
  const Wide low = modulo(value, bits);
  return low >= power_of_two(bits - 1) ? low - power_of_two(bits) : low;
}

Wide floor_divide(Wide value, Wide by) {
  const Wide quotient = value / by;
  return value % by < 0 ? quotient - 1 : quotient;
}

bool bit(Wide value, unsigned index) { return floor_divide(value, power_of_two(index)) % 2 != 0; }

// A number made bit by bit.
template <typename Rule>
Wide bitwise(Wide a, Wide b, unsigned bits, Rule rule) {
  Wide made = 0;
  for (unsigned i = 0; i < bits; ++i) made += rule(bit(a, i), bit(b, i)) ? power_of_two(i) : 0;
  return made;
}
bool either(bool a, bool b) { return a || b; }
bool both(bool a, bool b) { return a && b; }
bool one(bool a, bool b) { return a != b; }

// Truncated division; the quotient of a zero divisor is 0, the rest the dividend.
Wide quotient(Wide a, Wide b) { return b == 0 ? 0 : a / b; }
Wide rest(Wide a, Wide b) { return b == 0 ? a : a - b * (a / b); }

// a and b: the low `bits` of both operands, unsigned.
Wide result(AluOp op, Wide a, Wide b, unsigned bits) {
  const Wide signed_a = as_signed(static_cast<std::uint64_t>(a), bits);
  const Wide signed_b = as_signed(static_cast<std::uint64_t>(b), bits);
  const auto count = static_cast<unsigned>(b % bits);
  switch (op) {
    case AluOp::kAdd: return a + b;
    case AluOp::kSub: return a - b;
    // Of signed operands, whose product fits; it is the same modulo 2^bits.
    case AluOp::kMul: return signed_a * signed_b;
    case AluOp::kDiv: return quotient(a, b);
    case AluOp::kMod: return rest(a, b);
    case AluOp::kSdiv: return quotient(signed_a, signed_b);
    case AluOp::kSmod: return rest(signed_a, signed_b);
    case AluOp::kOr: return bitwise(a, b, bits, either);
    case AluOp::kAnd: return bitwise(a, b, bits, both);
    case AluOp::kXor: return bitwise(a, b, bits, one);
    case AluOp::kLsh: return modulo(a, bits - count) * power_of_two(count);
    case AluOp::kRsh: return floor_divide(a, power_of_two(count));
    case AluOp::kArsh: return floor_divide(signed_a, power_of_two(count));
    case AluOp::kNeg: return -a;
    case AluOp::kMov: return b;
    case AluOp::kMovsx8: return as_signed(static_cast<std::uint64_t>(b), 8);
    case AluOp::kMovsx16: return as_signed(static_cast<std::uint64_t>(b), 16);
    case AluOp::kMovsx32: return as_signed(static_cast<std::uint64_t>(b), 32);
  }
  return 0;
}

std::uint64_t number(std::span<const std::byte> bytes) {
  Wide value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value * 256 + std::to_integer<int>(bytes[i - 1]);
  return static_cast<std::uint64_t>(value);
}

// What memory holds after an atomic operation.
Wide exchanged(AtomicOp op, Wide old, Wide src, bool equal, unsigned bits) {
  switch (op) {
    case AtomicOp::kAdd:
    case AtomicOp::kFetchAdd: return modulo(old + src, bits);
    case AtomicOp::kOr:
    case AtomicOp::kFetchOr: return bitwise(old, src, bits, either);
    case AtomicOp::kAnd:
    case AtomicOp::kFetchAnd: return bitwise(old, src, bits, both);
    case AtomicOp::kXor:
    case AtomicOp::kFetchXor: return bitwise(old, src, bits, one);
    case AtomicOp::kExchange: return src;
    case AtomicOp::kCompareExchange: return equal ? src : old;
  }
  return 0;
}

bool fetches(AtomicOp op) {
  return op == AtomicOp::kFetchAdd || op == AtomicOp::kFetchOr || op == AtomicOp::kFetchAnd ||
         op == AtomicOp::kFetchXor || op == AtomicOp::kExchange;
}

}  // namespace

std::uint64_t alu(const vm::InsnRow& row, std::uint64_t dst, std::uint64_t operand) {
  const unsigned bits = row.wide ? 64 : 32;
  return static_cast<std::uint64_t>(modulo(result(row.alu(), modulo(dst, bits), modulo(operand, bits), bits), bits));
}

std::uint64_t endian(const vm::InsnRow& row, std::uint64_t dst) {
  std::array<std::byte, 8> bytes{};
  store(row, dst, bytes);
  if (row.endian() == EndianOp::kToLittle) return number(bytes);
  std::array<std::byte, 8> swapped{};
  for (std::size_t i = 0; i < row.size; ++i) swapped[i] = bytes[row.size - 1U - i];
  return number(swapped);
}

bool jumps(const vm::InsnRow& row, std::uint64_t dst, std::uint64_t operand) {
  const unsigned bits = row.wide ? 64 : 32;
  const Wide a = modulo(dst, bits);
  const Wide b = modulo(operand, bits);
  const Wide signed_a = as_signed(dst, bits);
  const Wide signed_b = as_signed(operand, bits);
  switch (row.cond()) {
    case Cond::kEq: return a == b;
    case Cond::kNe: return a != b;
    case Cond::kGt: return a > b;
    case Cond::kGe: return a >= b;
    case Cond::kLt: return a < b;
    case Cond::kLe: return a <= b;
    case Cond::kSgt: return signed_a > signed_b;
    case Cond::kSge: return signed_a >= signed_b;
    case Cond::kSlt: return signed_a < signed_b;
    case Cond::kSle: return signed_a <= signed_b;
    case Cond::kSet: return bitwise(a, b, bits, both) != 0;
  }
  return false;
}

std::uint64_t load(const vm::InsnRow& row, std::span<const std::byte> bytes) {
  const std::uint64_t value = number(bytes.first(row.size));
  if (row.kind == Kind::kLoad) return value;
  return static_cast<std::uint64_t>(modulo(as_signed(value, row.size * 8U), 64));
}

void store(const vm::InsnRow& row, std::uint64_t value, std::span<std::byte> bytes) {
  Wide left = value;
  for (std::size_t i = 0; i < row.size; ++i, left /= 256) bytes[i] = static_cast<std::byte>(left % 256);
}

void atomic(const vm::InsnRow& row, std::span<std::byte> bytes, std::uint64_t& src, std::uint64_t& r0) {
  const unsigned bits = row.size * 8U;
  const std::uint64_t old = number(bytes.first(row.size));
  const bool equal = modulo(r0, bits) == Wide{old};
  store(row, static_cast<std::uint64_t>(exchanged(row.atomic(), old, modulo(src, bits), equal, bits)), bytes);
  if (fetches(row.atomic())) src = old;
  if (row.atomic() == AtomicOp::kCompareExchange) r0 = old;
}

}  // namespace sluice::testing_support::model
