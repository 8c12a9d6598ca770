#include "jit/x86_64/emitter.h"

// Atomics, RFC 9669 section 5.3: all sequentially consistent, as every locked x86 instruction is. A fetched 32-bit
// value is zero-extended.
namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::dword;
using Xbyak::util::eax;
using Xbyak::util::ptr;
using Xbyak::util::qword;
using Xbyak::util::r10;
using Xbyak::util::r11;
using Xbyak::util::r9;
using Xbyak::util::rax;

}  // namespace

void Emitter::emit_atomic(const vm::InsnRow& row, const vm::Insn& insn) {
  const bool wide = row.size == 8;
  const Xbyak::RegExp at = reg64(insn.dst) + insn.offset;
  const Xbyak::Address place = wide ? qword[at] : dword[at];
  const Xbyak::Reg src = reg(insn.src, wide);
  switch (row.atomic()) {
    case vm::AtomicOp::kAdd:
      a_.lock();
      a_.add(place, src);
      break;
    case vm::AtomicOp::kOr:
      a_.lock();
      a_.or_(place, src);
      break;
    case vm::AtomicOp::kAnd:
      a_.lock();
      a_.and_(place, src);
      break;
    case vm::AtomicOp::kXor:
      a_.lock();
      a_.xor_(place, src);
      break;
    case vm::AtomicOp::kFetchAdd:
      a_.lock();
      a_.xadd(place, src);
      set_upper_zero(insn.src, !wide);
      break;
    case vm::AtomicOp::kFetchOr:
    case vm::AtomicOp::kFetchAnd:
    case vm::AtomicOp::kFetchXor: emit_fetch_loop(row, insn); break;
    case vm::AtomicOp::kExchange:
      a_.xchg(place, src);  // locked by itself
      set_upper_zero(insn.src, !wide);
      break;
    case vm::AtomicOp::kCompareExchange:
      a_.lock();
      a_.cmpxchg(place, src);       // compares with rax = r0, which becomes the old value
      if (!wide) a_.mov(eax, eax);  // untouched when equal, so its upper half is still the program's
      set_upper_zero(0, !wide);
      break;
  }
}

// There is no instruction that fetches and does OR, AND or XOR: repeat until nobody came between.
void Emitter::emit_fetch_loop(const vm::InsnRow& row, const vm::Insn& insn) {
  const bool wide = row.size == 8;
  const auto sized = [wide](const Reg64& r) {
    return wide ? static_cast<Xbyak::Reg>(r) : static_cast<Xbyak::Reg>(r.cvt32());
  };
  const bool src_is_rax = insn.src == 0;
  a_.lea(r9, ptr[reg64(insn.dst) + insn.offset]);
  // rax is needed for the old value: r0 waits in r10, unless it is the operand and gets the result anyway.
  if (src_is_rax) {
    a_.mov(r11, rax);
  } else {
    a_.mov(r10, rax);
  }
  const Reg64 operand = src_is_rax ? r11 : reg64(insn.src);
  const Reg64 fresh = src_is_rax ? r10 : r11;
  const Xbyak::Address place = wide ? qword[r9] : dword[r9];
  a_.mov(sized(rax), place);
  const std::size_t again = a_.getSize();
  a_.mov(sized(fresh), sized(rax));
  if (row.atomic() == vm::AtomicOp::kFetchOr) {
    a_.or_(sized(fresh), sized(operand));
  } else if (row.atomic() == vm::AtomicOp::kFetchAnd) {
    a_.and_(sized(fresh), sized(operand));
  } else {
    a_.xor_(sized(fresh), sized(operand));
  }
  a_.lock();
  a_.cmpxchg(place, sized(fresh));
  a_.jump_back(Flag::kNotEqual, again);
  if (!src_is_rax) {
    a_.mov(reg64(insn.src), rax);
    a_.mov(rax, r10);
  }
  set_upper_zero(insn.src, !wide);
}

}  // namespace sluice::jit::x86_64
