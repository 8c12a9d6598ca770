#include <bit>

#include "jit/x86_64/emitter.h"

namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::cl;
using Xbyak::util::ecx;
using Xbyak::util::r11;
using Xbyak::util::r11d;
using Xbyak::util::rcx;

}  // namespace

unsigned Emitter::emit_alu(std::uint32_t slot) {
  const vm::InsnRow& row = *lowered_.ops[slot].row;
  const vm::Insn& insn = insn_at(slot);
  switch (row.alu()) {
    case vm::AluOp::kAdd:
      if (const unsigned done = fuse_sum(slot); done != 0) return done;
      emit_binary(row, insn);
      break;
    case vm::AluOp::kSub:
    case vm::AluOp::kOr:
    case vm::AluOp::kAnd:
    case vm::AluOp::kXor: emit_binary(row, insn); break;
    case vm::AluOp::kMul: emit_multiply(row, insn); break;
    case vm::AluOp::kDiv:
    case vm::AluOp::kSdiv:
    case vm::AluOp::kMod:
    case vm::AluOp::kSmod: emit_divide(row, insn); break;
    case vm::AluOp::kLsh:
      if (fuse_extension(slot)) return 2;
      emit_shift(row, insn);
      break;
    case vm::AluOp::kRsh:
    case vm::AluOp::kArsh: emit_shift(row, insn); break;
    case vm::AluOp::kNeg: a_.neg(reg(insn.dst, row.wide)); break;
    case vm::AluOp::kMov:
      if (fuse_stored_number(slot)) return 2;
      if (const unsigned done = fuse_sum(slot); done != 0) return done;
      emit_move(row, insn);
      return 1;  // knows the upper half itself
    case vm::AluOp::kMovsx8:
    case vm::AluOp::kMovsx16:
    case vm::AluOp::kMovsx32: emit_sign_extend(row, insn); break;
  }
  // An AND with a number that is not negative, or of a small register, and a logical shift down stay small.
  const bool stays_small = upper_zero(insn.dst) && ((row.alu() == vm::AluOp::kAnd) || (row.alu() == vm::AluOp::kRsh) ||
                                                    (row.alu() == vm::AluOp::kMod) ||
                                                    (row.alu() == vm::AluOp::kDiv && row.source == vm::Source::kImm));
  const bool masked = row.alu() == vm::AluOp::kAnd && row.source == vm::Source::kImm && insn.imm >= 0;
  set_upper_zero(insn.dst, !row.wide || masked || stays_small);
  return 1;
}

void Emitter::emit_binary(const vm::InsnRow& row, const vm::Insn& insn) {
  const bool reg_source = row.source == vm::Source::kReg;
  // AND with 0..2^31-1 clears the upper half either way, so the shorter 32-bit form does.
  const bool narrow = row.alu() == vm::AluOp::kAnd && !reg_source && insn.imm >= 0;
  const Xbyak::Reg dst = reg(insn.dst, row.wide && !narrow);
  const Xbyak::Reg src = reg(insn.src, row.wide);
  const auto imm = static_cast<std::uint32_t>(insn.imm);
  switch (row.alu()) {
    case vm::AluOp::kAdd: reg_source ? a_.add(dst, src) : a_.add(dst, imm); break;
    case vm::AluOp::kSub: reg_source ? a_.sub(dst, src) : a_.sub(dst, imm); break;
    case vm::AluOp::kOr: reg_source ? a_.or_(dst, src) : a_.or_(dst, imm); break;
    case vm::AluOp::kAnd: reg_source ? a_.and_(dst, src) : a_.and_(dst, imm); break;
    case vm::AluOp::kXor: reg_source ? a_.xor_(dst, src) : a_.xor_(dst, imm); break;
    case vm::AluOp::kMul:
    case vm::AluOp::kDiv:
    case vm::AluOp::kSdiv:
    case vm::AluOp::kLsh:
    case vm::AluOp::kRsh:
    case vm::AluOp::kNeg:
    case vm::AluOp::kMod:
    case vm::AluOp::kSmod:
    case vm::AluOp::kMov:
    case vm::AluOp::kMovsx8:
    case vm::AluOp::kMovsx16:
    case vm::AluOp::kMovsx32:
    case vm::AluOp::kArsh: break;  // not sent here
  }
}

void Emitter::emit_multiply(const vm::InsnRow& row, const vm::Insn& insn) {
  const Xbyak::Reg dst = reg(insn.dst, row.wide);
  if (row.source == vm::Source::kReg) {
    a_.imul(dst, reg(insn.src, row.wide));
    return;
  }
  const auto factor = static_cast<std::uint32_t>(insn.imm);
  if (insn.imm > 1 && std::has_single_bit(factor)) {
    a_.shl(dst, std::countr_zero(factor));
  } else {
    a_.imul(dst, dst, insn.imm);
  }
}

void Emitter::emit_zero_extend(unsigned bpf) { a_.mov(reg32(bpf), reg32(bpf)); }

void Emitter::emit_move(const vm::InsnRow& row, const vm::Insn& insn) {
  if (row.source == vm::Source::kReg) {
    const bool small = upper_zero(insn.src);
    if (row.wide) {
      if (insn.dst != insn.src) a_.mov(reg64(insn.dst), reg64(insn.src));
      set_upper_zero(insn.dst, small);
    } else {
      if (insn.dst != insn.src || !small) a_.mov(reg32(insn.dst), reg32(insn.src));
      set_upper_zero(insn.dst, true);
    }
    return;
  }
  if (insn.imm == 0) {
    a_.xor_(reg32(insn.dst), reg32(insn.dst));
  } else if (row.wide && insn.imm < 0) {
    a_.mov(reg64(insn.dst), static_cast<std::uint64_t>(std::int64_t{insn.imm}));  // 7 bytes, sign-extended
  } else {
    a_.mov(reg32(insn.dst), static_cast<std::uint32_t>(insn.imm));
  }
  set_upper_zero(insn.dst, !row.wide || insn.imm >= 0);
}

void Emitter::emit_sign_extend(const vm::InsnRow& row, const vm::Insn& insn) {
  const Xbyak::Reg dst = reg(insn.dst, row.wide);
  if (row.alu() == vm::AluOp::kMovsx8) {
    a_.movsx(dst, reg64(insn.src).cvt8());
  } else if (row.alu() == vm::AluOp::kMovsx16) {
    a_.movsx(dst, reg64(insn.src).cvt16());
  } else {
    a_.movsxd(reg64(insn.dst), reg32(insn.src));
  }
}

void Emitter::emit_shift(const vm::InsnRow& row, const vm::Insn& insn) {
  if (row.source == vm::Source::kReg) {
    emit_shift_by_register(row, insn);
    return;
  }
  const Xbyak::Reg dst = reg(insn.dst, row.wide);
  const int amount = insn.imm & (row.wide ? 63 : 31);
  if (amount == 0) {
    if (!row.wide && !upper_zero(insn.dst)) emit_zero_extend(insn.dst);
  } else if (row.alu() == vm::AluOp::kLsh) {
    a_.shl(dst, amount);
  } else if (row.alu() == vm::AluOp::kRsh) {
    a_.shr(dst, amount);
  } else {
    a_.sar(dst, amount);
  }
}

void Emitter::emit_shift_by_register(const vm::InsnRow& row, const vm::Insn& insn) {
  if (features_.bmi2) {
    const int bits = row.wide ? 64 : 32;
    const Xbyak::Reg32e dst(kMachineRegister[insn.dst], bits);
    const Xbyak::Reg32e src(kMachineRegister[insn.src], bits);
    if (row.alu() == vm::AluOp::kLsh) {
      a_.shlx(dst, dst, src);
    } else if (row.alu() == vm::AluOp::kRsh) {
      a_.shrx(dst, dst, src);
    } else {
      a_.sarx(dst, dst, src);
    }
    return;
  }
  // The amount must be in cl. rcx waits in r11, or is shifted there when it is what is shifted.
  const Reg64 dst = reg64(insn.dst);
  const Reg64 src = reg64(insn.src);
  const bool shifts_rcx = dst.getIdx() == rcx.getIdx();
  const bool amount_in_rcx = src.getIdx() == rcx.getIdx();
  if (shifts_rcx || !amount_in_rcx) a_.mov(r11, rcx);
  if (!amount_in_rcx) a_.mov(ecx, src.cvt32());
  if (shifts_rcx) {
    emit_shift_by_cl(row.alu(), row.wide ? static_cast<Xbyak::Reg>(r11) : static_cast<Xbyak::Reg>(r11d));
  } else {
    emit_shift_by_cl(row.alu(), reg(insn.dst, row.wide));
  }
  if (shifts_rcx || !amount_in_rcx) a_.mov(rcx, r11);
}

void Emitter::emit_shift_by_cl(vm::AluOp op, const Xbyak::Reg& dst) {
  if (op == vm::AluOp::kLsh) {
    a_.shl(dst, cl);
  } else if (op == vm::AluOp::kRsh) {
    a_.shr(dst, cl);
  } else {
    a_.sar(dst, cl);
  }
}

void Emitter::emit_endian(const vm::InsnRow& row, const vm::Insn& insn) {
  const bool swap = row.endian() != vm::EndianOp::kToLittle;
  const Reg32 dst32 = reg32(insn.dst);
  if (row.size == 2) {
    if (swap) a_.rol(reg64(insn.dst).cvt16(), 8);
    a_.movzx(dst32, reg64(insn.dst).cvt16());
  } else if (row.size == 4) {
    if (swap) {
      a_.bswap(dst32);
    } else if (!upper_zero(insn.dst)) {
      emit_zero_extend(insn.dst);
    }
  } else if (swap) {
    a_.bswap(reg64(insn.dst));
  }
  set_upper_zero(insn.dst, row.size < 8 || (upper_zero(insn.dst) && !swap));
}

}  // namespace sluice::jit::x86_64
