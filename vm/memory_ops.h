#pragma once
// Loads, stores and atomic operations of any width at an address that the program was proven to own (RFC 9669, sections
// 5.1 to 5.3). Data path.
#include <cstdint>
#include <cstring>

#include "vm/isa.h"

namespace sluice::vm {

inline std::uint64_t load_bytes(std::uint64_t address, unsigned size) {
  const auto* const place = reinterpret_cast<const void*>(address);
  std::uint64_t value = 0;  // little-endian: the low bytes are filled
  switch (size) {
    case 1: std::memcpy(&value, place, 1); break;
    case 2: std::memcpy(&value, place, 2); break;
    case 4: std::memcpy(&value, place, 4); break;
    default: std::memcpy(&value, place, 8); break;
  }
  return value;
}

inline void store_bytes(std::uint64_t address, std::uint64_t value, unsigned size) {
  auto* const place = reinterpret_cast<void*>(address);
  switch (size) {
    case 1: std::memcpy(place, &value, 1); break;
    case 2: std::memcpy(place, &value, 2); break;
    case 4: std::memcpy(place, &value, 4); break;
    default: std::memcpy(place, &value, 8); break;
  }
}

inline std::uint64_t sign_extend(std::uint64_t value, unsigned size) {
  const unsigned shift = 64 - 8 * size;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << shift) >> shift);
}

// Does the operation and returns the old value; `expected` is for kCompareExchange.
template <typename U>
U atomic_update(AtomicOp op, U* place, U operand, U expected) {
  switch (op) {
    case AtomicOp::kAdd:
    case AtomicOp::kFetchAdd: return __atomic_fetch_add(place, operand, __ATOMIC_SEQ_CST);
    case AtomicOp::kOr:
    case AtomicOp::kFetchOr: return __atomic_fetch_or(place, operand, __ATOMIC_SEQ_CST);
    case AtomicOp::kAnd:
    case AtomicOp::kFetchAnd: return __atomic_fetch_and(place, operand, __ATOMIC_SEQ_CST);
    case AtomicOp::kXor:
    case AtomicOp::kFetchXor: return __atomic_fetch_xor(place, operand, __ATOMIC_SEQ_CST);
    case AtomicOp::kExchange: return __atomic_exchange_n(place, operand, __ATOMIC_SEQ_CST);
    case AtomicOp::kCompareExchange:
      __atomic_compare_exchange_n(place, &expected, operand, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
      return expected;  // holds the old value either way
  }
  return 0;
}

}  // namespace sluice::vm
