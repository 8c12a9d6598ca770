// What takes an eBPF program several instructions and this machine one. Only what no jump lands in the middle of, and
// only where nobody reads what is not computed any more.
#include "jit/liveness.h"
#include "jit/x86_64/emitter.h"

namespace sluice::jit::x86_64 {
namespace {

bool is_shift_by_32(const vm::InsnRow& row, const vm::Insn& insn, vm::AluOp op) {
  return row.kind == vm::Kind::kAlu && row.alu() == op && row.wide && row.source == vm::Source::kImm && insn.imm == 32;
}

// What can be done with an operand in memory.
bool takes_memory(vm::AluOp op) {
  return op == vm::AluOp::kAdd || op == vm::AluOp::kSub || op == vm::AluOp::kOr || op == vm::AluOp::kAnd ||
         op == vm::AluOp::kXor;
}

}  // namespace

const Op* Emitter::follower(std::uint32_t slot) const {
  if (slot >= function_->end) return nullptr;
  const Op& op = lowered_.ops[slot];
  return op.row != nullptr && op.reachable && !op.leader ? &op : nullptr;
}

// Nothing but to compute a number that nobody reads.
bool Emitter::is_dead(std::uint32_t slot) const {
  return only_computes(lowered_.ops[slot].row->kind) && !is_live(slot, insn_at(slot).dst);
}

// `lsh 32` and `rsh 32` (or `arsh 32`) of one register, as clang writes for -mcpu=v1 and v2, are one move.
bool Emitter::fuse_extension(std::uint32_t slot) {
  const Op* const second = follower(slot + 1);
  if (second == nullptr) return false;
  const vm::Insn& first_insn = insn_at(slot);
  const vm::Insn& second_insn = insn_at(slot + 1);
  if (first_insn.dst != second_insn.dst) return false;
  if (!is_shift_by_32(*lowered_.ops[slot].row, first_insn, vm::AluOp::kLsh)) return false;
  if (is_shift_by_32(*second->row, second_insn, vm::AluOp::kRsh)) {
    if (!upper_zero(first_insn.dst)) emit_zero_extend(first_insn.dst);
    set_upper_zero(first_insn.dst, true);
    return true;
  }
  if (!is_shift_by_32(*second->row, second_insn, vm::AluOp::kArsh)) return false;
  a_.movsxd(reg64(first_insn.dst), reg32(first_insn.dst));
  set_upper_zero(first_insn.dst, false);
  return true;
}

// The slots of a sum that makes a new number of others, 0 = there is none: `mov a, b` and `add a, c`, which is how a
// program makes the address of a part of something.
unsigned Emitter::find_sum(std::uint32_t slot, Xbyak::RegExp& sum) const {
  const vm::InsnRow& row = *lowered_.ops[slot].row;
  const vm::Insn& move = insn_at(slot);
  const vm::Insn& add = insn_at(slot + 1);
  const Op* const second = follower(slot + 1);
  if (row.source != vm::Source::kReg || move.dst == move.src || second == nullptr) return 0;
  if (second->row->kind != vm::Kind::kAlu || second->row->alu() != vm::AluOp::kAdd) return 0;
  if (second->row->wide != row.wide || add.dst != move.dst) return 0;
  if (second->row->source == vm::Source::kImm) {
    sum = reg64(move.src) + add.imm;
  } else {
    if (add.src == move.dst) return 0;
    sum = reg64(move.src) + reg64(add.src);
  }
  return 2;
}

// A sum is one lea, and when only one load or store goes by it as an address, not even that. Returns the slots done.
unsigned Emitter::fuse_sum(std::uint32_t slot) {
  const vm::InsnRow& row = *lowered_.ops[slot].row;
  const vm::Insn& insn = insn_at(slot);
  Xbyak::RegExp sum;
  if (row.alu() == vm::AluOp::kAdd) {
    if (!row.wide || row.source != vm::Source::kReg) return 0;
    sum = reg64(insn.dst) + reg64(insn.src);
    return fuse_access(slot + 1, insn.dst, sum) ? 2 : 0;
  }
  const unsigned slots = find_sum(slot, sum);
  if (slots == 0) return 0;
  if (row.wide && fuse_access(slot + slots, insn.dst, sum)) return slots + 1;
  // A sum of 32 bits is the lower half of one of 64.
  a_.lea(Xbyak::Reg32e(kMachineRegister[insn.dst], row.wide ? 64 : 32), Xbyak::util::ptr[sum]);
  set_upper_zero(insn.dst, !row.wide);
  return slots;
}

// Translates the load or store at `slot` by `address` when that is what it goes by register `base` for, and the last
// one to do so.
bool Emitter::fuse_access(std::uint32_t slot, unsigned base, const Xbyak::RegExp& address) {
  const Op* const op = follower(slot);
  if (op == nullptr || op->access != Access::kPlain) return false;
  const vm::Insn& insn = insn_at(slot);
  const std::int64_t distance = std::int64_t{static_cast<std::int32_t>(address.getDisp())} + insn.offset;
  if (distance != static_cast<std::int32_t>(distance)) return false;
  const vm::Kind kind = op->row->kind;
  if (kind == vm::Kind::kLoad || kind == vm::Kind::kLoadSigned) {
    if (insn.src != base || (insn.dst != base && is_live(slot, base))) return false;
    kind == vm::Kind::kLoad ? emit_load(slot, address) : emit_load_signed(slot, address);
    return true;
  }
  if (kind != vm::Kind::kStore && kind != vm::Kind::kStoreImm) return false;
  if (insn.dst != base || is_live(slot, base)) return false;
  if (kind == vm::Kind::kStoreImm) {
    emit_store_number(op->row->size, address + insn.offset, insn.imm);
  } else {
    if (insn.src == base) return false;
    emit_store(*op->row, insn, address);
  }
  return true;
}

// A number that is only stored.
bool Emitter::fuse_stored_number(std::uint32_t slot) {
  const vm::InsnRow& row = *lowered_.ops[slot].row;
  const vm::Insn& move = insn_at(slot);
  const Op* const store = follower(slot + 1);
  if (row.source != vm::Source::kImm || store == nullptr || store->row->kind != vm::Kind::kStore) return false;
  const vm::Insn& insn = insn_at(slot + 1);
  if (insn.src != move.dst || insn.dst == move.dst || is_live(slot + 1, move.dst)) return false;
  if (store->row->size == 8 && !row.wide && move.imm < 0) return false;  // stores are sign-extended
  emit_store_number(store->row->size, reg64(insn.dst) + insn.offset, move.imm);
  return true;
}

// A number that is loaded only to be an operand.
bool Emitter::fuse_operand(std::uint32_t slot) {
  const Op& load = lowered_.ops[slot];
  const Op* const op = follower(slot + 1);
  if (load.access != Access::kPlain || op == nullptr || op->row->kind != vm::Kind::kAlu) return false;
  const vm::Insn& from = insn_at(slot);
  const vm::Insn& insn = insn_at(slot + 1);
  if (op->row->source != vm::Source::kReg || !takes_memory(op->row->alu())) return false;
  if (load.row->size != (op->row->wide ? 8 : 4) || insn.src != from.dst || insn.dst == from.dst) return false;
  if (is_live(slot + 1, from.dst)) return false;
  const Xbyak::Reg dst = reg(insn.dst, op->row->wide);
  const Xbyak::Address source = Xbyak::util::ptr[reg64(from.src) + from.offset];
  switch (op->row->alu()) {
    case vm::AluOp::kAdd: a_.add(dst, source); break;
    case vm::AluOp::kSub: a_.sub(dst, source); break;
    case vm::AluOp::kOr: a_.or_(dst, source); break;
    case vm::AluOp::kAnd: a_.and_(dst, source); break;
    default: a_.xor_(dst, source); break;
  }
  set_upper_zero(insn.dst, !op->row->wide || (op->row->alu() == vm::AluOp::kAnd && upper_zero(insn.dst)));
  return true;
}

}  // namespace sluice::jit::x86_64
