#include <bit>

#include "jit/x86_64/emitter.h"
#include "jit/x86_64/reciprocal.h"

// Division and remainder, RFC 9669 section 4.1: by zero the quotient is 0 and the remainder the dividend; the least
// number divided by -1 is itself, remainder 0 (the machine's idiv would trap).
namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::edx;
using Xbyak::util::r10;
using Xbyak::util::r10d;
using Xbyak::util::r11;
using Xbyak::util::r11d;
using Xbyak::util::r9;
using Xbyak::util::rax;
using Xbyak::util::rdx;

bool is_signed(vm::AluOp op) { return op == vm::AluOp::kSdiv || op == vm::AluOp::kSmod; }
bool is_quotient(vm::AluOp op) { return op == vm::AluOp::kDiv || op == vm::AluOp::kSdiv; }

}  // namespace

void Emitter::emit_divide(const vm::InsnRow& row, const vm::Insn& insn) {
  if (row.source == vm::Source::kImm) {
    emit_divide_by_constant(row, insn);
    return;
  }
  a_.mov(row.wide ? static_cast<Xbyak::Reg>(r11) : static_cast<Xbyak::Reg>(r11d), reg(insn.src, row.wide));
  emit_divide_by_r11(row, insn.dst, true);
}

void Emitter::emit_divide_by_constant(const vm::InsnRow& row, const vm::Insn& insn) {
  if (insn.imm == 0) {
    emit_divide_zero(row, insn.dst);
  } else if (is_signed(row.alu()) && insn.imm == -1) {
    emit_divide_minus_one(row, insn.dst);
  } else if (is_signed(row.alu()) || !emit_divide_unsigned_constant(row, insn)) {
    if (row.wide) {
      a_.mov(r11, static_cast<std::uint64_t>(std::int64_t{insn.imm}));
    } else {
      a_.mov(r11d, static_cast<std::uint32_t>(insn.imm));
    }
    emit_divide_by_r11(row, insn.dst, false);
  }
}

// By a power of two a shift or a mask, else a multiplication where that takes few instructions.
bool Emitter::emit_divide_unsigned_constant(const vm::InsnRow& row, const vm::Insn& insn) {
  const auto divisor = static_cast<std::uint32_t>(insn.imm);
  if (row.wide && insn.imm < 0) return false;  // sign-extended: a huge divisor
  if (std::has_single_bit(divisor)) {
    emit_divide_by_power(row, insn.dst, divisor);
    return true;
  }
  if (!row.wide || upper_zero(insn.dst)) {
    emit_multiply_by_reciprocal32(row, insn.dst, divisor);
    return true;
  }
  if (!features_.bmi2) return false;
  emit_multiply_by_reciprocal64(row, insn.dst, divisor);
  return true;
}

void Emitter::emit_divide_by_power(const vm::InsnRow& row, unsigned dst, std::uint32_t divisor) {
  if (is_quotient(row.alu())) {
    if (divisor == 1) {
      if (!row.wide) emit_zero_extend(dst);
    } else {
      a_.shr(reg(dst, row.wide), std::countr_zero(divisor));
    }
  } else {
    a_.and_(reg32(dst), divisor - 1);
  }
}

// The product of two 32-bit numbers fits into a register, and so does the sum with the extra bit's share.
void Emitter::emit_multiply_by_reciprocal32(const vm::InsnRow& row, unsigned dst, std::uint32_t divisor) {
  const Reciprocal by = reciprocal(divisor, 32);
  a_.mov(r11d, reg32(dst));
  a_.mov(r10d, static_cast<std::uint32_t>(by.multiplier));
  a_.imul(r10, r11);
  a_.shr(r10, static_cast<int>(by.extra ? 32 : 32 + by.shift));
  if (by.extra) {
    a_.add(r10, r11);
    a_.shr(r10, static_cast<int>(by.shift));
  }
  if (is_quotient(row.alu())) {
    a_.mov(reg32(dst), r10d);
  } else {
    a_.imul(r10d, r10d, static_cast<int>(divisor));
    a_.mov(reg32(dst), r11d);
    a_.sub(reg32(dst), r10d);
  }
}

// r9 = dividend, r11 = upper half of its product with the multiplier. mulx takes one factor from rdx.
void Emitter::emit_multiply_by_reciprocal64(const vm::InsnRow& row, unsigned dst, std::uint32_t divisor) {
  const Reciprocal by = reciprocal(divisor, 64);
  const Reg64 target = reg64(dst);
  const bool in_rdx = target.getIdx() == rdx.getIdx();
  a_.mov(r9, target);
  if (!in_rdx) {
    a_.mov(r10, rdx);
    a_.mov(rdx, r9);
  }
  a_.mov(r11, by.multiplier);
  a_.mulx(r11, rdx, r11);
  if (!in_rdx) a_.mov(rdx, r10);
  if (by.extra) {  // (n - t) / 2 + t is (n + t) / 2 without the carry
    a_.mov(r10, r9);
    a_.sub(r10, r11);
    a_.shr(r10, 1);
    a_.add(r11, r10);
  }
  const unsigned shift = by.extra ? by.shift - 1 : by.shift;
  if (shift != 0) a_.shr(r11, static_cast<int>(shift));
  if (is_quotient(row.alu())) {
    a_.mov(target, r11);
  } else {
    a_.imul(r11, r11, static_cast<int>(divisor));
    a_.mov(target, r9);
    a_.sub(target, r11);
  }
}

void Emitter::emit_divide_zero(const vm::InsnRow& row, unsigned dst) {
  if (is_quotient(row.alu())) {
    a_.xor_(reg32(dst), reg32(dst));
  } else if (!row.wide) {
    emit_zero_extend(dst);
  }
}

void Emitter::emit_divide_minus_one(const vm::InsnRow& row, unsigned dst) {
  if (is_quotient(row.alu())) {
    a_.neg(reg(dst, row.wide));
  } else {
    a_.xor_(reg32(dst), reg32(dst));
  }
}

// dst by r11. `may_be_zero` also asks for the check for -1.
void Emitter::emit_divide_by_r11(const vm::InsnRow& row, unsigned dst, bool may_be_zero) {
  if (!may_be_zero) {
    emit_hardware_divide(row, dst);
    return;
  }
  const Xbyak::Reg divisor = row.wide ? static_cast<Xbyak::Reg>(r11) : static_cast<Xbyak::Reg>(r11d);
  a_.test(divisor, divisor);
  const Assembler::Ahead nonzero = a_.jump_ahead(Flag::kNotEqual);
  emit_divide_zero(row, dst);
  const Assembler::Ahead zero_done = a_.jump_ahead();
  a_.land(nonzero);
  if (is_signed(row.alu())) {
    a_.cmp(divisor, -1);
    const Assembler::Ahead ordinary = a_.jump_ahead(Flag::kNotEqual);
    emit_divide_minus_one(row, dst);
    const Assembler::Ahead minus_one_done = a_.jump_ahead();
    a_.land(ordinary);
    emit_hardware_divide(row, dst);
    a_.land(minus_one_done);
  } else {
    emit_hardware_divide(row, dst);
  }
  a_.land(zero_done);
}

// The machine divides rdx:rax; what they hold waits in r9 and r10.
void Emitter::emit_hardware_divide(const vm::InsnRow& row, unsigned dst) {
  const Reg64 target = reg64(dst);
  const bool to_rax = target.getIdx() == rax.getIdx();
  const bool to_rdx = target.getIdx() == rdx.getIdx();
  if (!to_rax) {
    a_.mov(r9, rax);
    a_.mov(rax, target);
  }
  if (!to_rdx) a_.mov(r10, rdx);
  if (is_signed(row.alu())) {
    row.wide ? a_.cqo() : a_.cdq();
    row.wide ? a_.idiv(r11) : a_.idiv(r11d);
  } else {
    a_.xor_(edx, edx);
    row.wide ? a_.div(r11) : a_.div(r11d);
  }
  // A 32-bit division zero-extends both results.
  const Reg64& result = is_quotient(row.alu()) ? rax : rdx;
  if (result.getIdx() != target.getIdx()) a_.mov(target, result);
  if (!to_rax) a_.mov(rax, r9);
  if (!to_rdx) a_.mov(rdx, r10);
}

}  // namespace sluice::jit::x86_64
