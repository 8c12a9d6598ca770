#include <array>
#include <cstring>

#include <fmt/format.h>

#include "vm/asm.h"

namespace sluice::vm {
namespace {

std::string unknown(const Insn& insn) {
  std::array<std::uint8_t, sizeof(Insn)> bytes{};
  std::memcpy(bytes.data(), &insn, sizeof insn);
  std::string text = "?? ";
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string address(unsigned base, int offset) {
  return offset == 0 ? fmt::format("[r{}]", base) : fmt::format("[r{}{:+}]", base, offset);
}

std::string operand(const InsnRow& row, const Insn& insn) {
  return row.source == Source::kReg ? fmt::format("r{}", insn.src + 0) : fmt::format("{}", insn.imm);
}

std::string operands(const InsnRow& row, const Insn& insn, const Insn* second) {
  const unsigned dst = insn.dst;
  const unsigned src = insn.src;
  switch (row.kind) {
    case Kind::kAlu:
      return row.alu() == AluOp::kNeg ? fmt::format(" r{}", dst) : fmt::format(" r{}, {}", dst, operand(row, insn));
    case Kind::kEndian: return fmt::format(" r{}", dst);
    case Kind::kLoad:
    case Kind::kLoadSigned: return fmt::format(" r{}, {}", dst, address(src, insn.offset));
    case Kind::kStore:
    case Kind::kStoreImm:
    case Kind::kAtomic: return fmt::format(" {}, {}", address(dst, insn.offset), operand(row, insn));
    case Kind::kLoadImm64:
      if (row.op == static_cast<std::uint8_t>(Imm64::kNumber)) {
        const std::uint64_t high = static_cast<std::uint32_t>(second->imm);
        return fmt::format(" r{}, {:#x}", dst, static_cast<std::uint32_t>(insn.imm) | (high << 32));
      }
      return fmt::format(" r{}, {}, {}", dst, insn.imm, second->imm);
    case Kind::kGoto: return fmt::format(" {:+}", jump_distance(row, insn));
    case Kind::kBranch: return fmt::format(" r{}, {}, {:+}", dst, operand(row, insn), insn.offset);
    case Kind::kCallLocal: return fmt::format(" {:+}", insn.imm);
    case Kind::kCallHelper:
    case Kind::kCallKernel: return fmt::format(" {}", insn.imm);
    case Kind::kExit: return {};
    case Kind::kLegacyLoad:
      return row.src.mode == FieldRule::Mode::kOperand ? fmt::format(" r{}, {}", src, insn.imm)
                                                       : fmt::format(" {}", insn.imm);
  }
  return {};
}

// The second slot of an lddw carries nothing but its imm.
bool well_formed(const Insn& second) { return Insn{.imm = second.imm} == second; }

}  // namespace

std::string disassemble(std::span<const Insn> insns, std::size_t slot) {
  const Insn& insn = insns[slot];
  const InsnRow* row = find(insn);
  if (row == nullptr) return unknown(insn);
  const Insn* second = nullptr;
  if (slots(*row) == 2) {
    if (slot + 1 >= insns.size() || !well_formed(insns[slot + 1])) return unknown(insn);
    second = &insns[slot + 1];
  }
  return std::string(row->mnemonic) + operands(*row, insn, second);
}

}  // namespace sluice::vm
