#pragma once
// What each instruction means, written straight from RFC 9669 in arithmetic of 128 bits, a bit or a byte at a time: the
// oracle of generated cases. Shares nothing with vm/alu.h but the names of the operations. Pure: any thread.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vm/isa.h"

namespace sluice::testing_support::model {

// dst of a kAlu row after it ran on `dst` and its second operand: the register's 64 bits, or the imm field's 32 bits
// sign-extended (section 4.1; of a 32-bit row only the low half counts, and the upper half of dst becomes 0).
std::uint64_t alu(const vm::InsnRow& row, std::uint64_t dst, std::uint64_t operand);
// dst of a kEndian row (section 4.2) on a little-endian machine.
std::uint64_t endian(const vm::InsnRow& row, std::uint64_t dst);
// Whether a kBranch row jumps (section 4.3).
bool jumps(const vm::InsnRow& row, std::uint64_t dst, std::uint64_t operand);
// What a kLoad or kLoadSigned row puts into dst; `bytes` starts at the address (sections 5.1 and 5.2).
std::uint64_t load(const vm::InsnRow& row, std::span<const std::byte> bytes);
// Writes row.size bytes of `value`, least first.
void store(const vm::InsnRow& row, std::uint64_t value, std::span<std::byte> bytes);
// Section 5.3: changes the bytes, and src or r0 where the operation gives the old value.
void atomic(const vm::InsnRow& row, std::span<std::byte> bytes, std::uint64_t& src, std::uint64_t& r0);

}  // namespace sluice::testing_support::model
