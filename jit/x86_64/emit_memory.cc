#include <cstddef>

#include "jit/x86_64/emitter.h"
#include "vm/ctx_fields.h"
#include "vm/exec_env.h"

namespace sluice::jit::x86_64 {
namespace {

using Xbyak::util::byte;
using Xbyak::util::dword;
using Xbyak::util::ptr;
using Xbyak::util::qword;
using Xbyak::util::r10;
using Xbyak::util::r10d;
using Xbyak::util::r11;
using Xbyak::util::r12;
using Xbyak::util::word;

}  // namespace

// `base`: what the offset is added to. Loads of the context go by their own register.
void Emitter::emit_load(std::uint32_t slot, const Xbyak::RegExp& base) {
  const Op& op = lowered_.ops[slot];
  const vm::Insn& insn = insn_at(slot);
  const std::int32_t size = op.row->size;
  bool small = size < 8;
  switch (op.access) {
    case Access::kPlain: emit_load_bytes(insn.dst, base + insn.offset, op.row->size); break;
    case Access::kContext: {
      // The source points somewhere into struct xdp_md; the verifier knows it plus the offset to be the field.
      const std::int32_t start = insn.offset - static_cast<std::int32_t>(op.field->offset);
      emit_load_field(insn.dst, reg64(insn.src), start + static_cast<std::int32_t>(op.field->native_offset),
                      op.field->native_size);
      small = op.field->native_size < 8;
      break;
    }
    case Access::kMaybeContext:
      emit_load_maybe_context(insn);
      small = false;
      break;
  }
  set_upper_zero(insn.dst, small);
}

void Emitter::emit_load_bytes(unsigned dst, const Xbyak::RegExp& address, unsigned size) {
  switch (size) {
    case 1: a_.movzx(reg32(dst), byte[address]); break;
    case 2: a_.movzx(reg32(dst), word[address]); break;
    case 4: a_.mov(reg32(dst), dword[address]); break;
    default: a_.mov(reg64(dst), qword[address]); break;
  }
}

void Emitter::emit_load_field(unsigned dst, const Reg64& base, std::int32_t displacement, unsigned size) {
  if (size == 8) {
    a_.mov(reg64(dst), qword[base + displacement]);
  } else {
    a_.mov(reg32(dst), dword[base + displacement]);
  }
}

// Nobody could say what the source points to: an address inside the frame's struct xdp_md is a field.
void Emitter::emit_load_maybe_context(const vm::Insn& insn) {
  a_.lea(r11, ptr[reg64(insn.src) + insn.offset]);
  a_.mov(r10, r11);
  a_.sub(r10, qword[r12 + offsetof(vm::ExecEnv, frame)]);
  a_.cmp(r10, vm::kXdpMdBytes);
  const Assembler::Ahead plain = a_.jump_ahead(Flag::kAboveEqual);
  std::vector<Assembler::Ahead> done;
  for (const vm::ContextField& field : lowered_.program->type->fields) {
    if (vm::context_field(*lowered_.program->type, field.offset) == nullptr) continue;
    a_.cmp(r10d, field.offset);
    const Assembler::Ahead next = a_.jump_ahead(Flag::kNotEqual);
    emit_load_field(insn.dst, r11,
                    static_cast<std::int32_t>(field.native_offset) - static_cast<std::int32_t>(field.offset),
                    field.native_size);
    done.push_back(a_.jump_ahead());
    a_.land(next);
  }
  a_.ud2();
  a_.land(plain);
  emit_load_bytes(insn.dst, r11 + 0, 4);
  for (const Assembler::Ahead& jump : done) a_.land(jump);
}

void Emitter::emit_load_signed(std::uint32_t slot, const Xbyak::RegExp& base) {
  const Op& op = lowered_.ops[slot];
  const vm::Insn& insn = insn_at(slot);
  if (op.access != Access::kPlain) {  // 4 bytes; the verifier takes no sign-extending load of a field with an address
    emit_load(slot, base);
    a_.movsxd(reg64(insn.dst), reg32(insn.dst));
    set_upper_zero(insn.dst, false);
    return;
  }
  const Xbyak::RegExp address = base + insn.offset;
  switch (op.row->size) {
    case 1: a_.movsx(reg64(insn.dst), byte[address]); break;
    case 2: a_.movsx(reg64(insn.dst), word[address]); break;
    default: a_.movsxd(reg64(insn.dst), dword[address]); break;
  }
  set_upper_zero(insn.dst, false);
}

void Emitter::emit_store(const vm::InsnRow& row, const vm::Insn& insn, const Xbyak::RegExp& base) {
  const Xbyak::RegExp address = base + insn.offset;
  switch (row.size) {
    case 1: a_.mov(byte[address], reg64(insn.src).cvt8()); break;
    case 2: a_.mov(word[address], reg64(insn.src).cvt16()); break;
    case 4: a_.mov(dword[address], reg32(insn.src)); break;
    default: a_.mov(qword[address], reg64(insn.src)); break;
  }
}

void Emitter::emit_store_number(unsigned size, const Xbyak::RegExp& address, std::int32_t number) {
  const auto imm = static_cast<std::uint32_t>(number);
  switch (size) {
    case 1: a_.mov(byte[address], imm & 0xff); break;
    case 2: a_.mov(word[address], imm & 0xffff); break;
    case 4: a_.mov(dword[address], imm); break;
    default: a_.mov(qword[address], static_cast<std::uint64_t>(std::int64_t{number})); break;  // sign-extended
  }
}

}  // namespace sluice::jit::x86_64
