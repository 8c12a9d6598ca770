#include <bit>

#include "jit/x86_64/emitter.h"

// Division and remainder, RFC 9669 section 4.1: by zero the quotient is 0 and the remainder the dividend; the least
// number divided by -1 is itself, remainder 0 (the machine's idiv would trap).
namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::edx;
using Xbyak::util::r10;
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

// By a power of two: a shift or a mask.
bool Emitter::emit_divide_unsigned_constant(const vm::InsnRow& row, const vm::Insn& insn) {
  const auto divisor = static_cast<std::uint32_t>(insn.imm);
  // A 64-bit divisor is sign-extended: a negative one is no small power of two.
  if (!std::has_single_bit(divisor) || (row.wide && insn.imm < 0)) return false;
  if (is_quotient(row.alu())) {
    if (divisor == 1) {
      if (!row.wide) emit_zero_extend(insn.dst);
    } else {
      a_.shr(reg(insn.dst, row.wide), std::countr_zero(divisor));
    }
  } else {
    a_.and_(reg32(insn.dst), divisor - 1);
  }
  return true;
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
