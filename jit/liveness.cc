#include "jit/liveness.h"

#include <utility>
#include <vector>

namespace sluice::jit {
namespace {

constexpr std::uint16_t bit(unsigned reg) { return static_cast<std::uint16_t>(1U << reg); }
constexpr std::uint16_t kResult = bit(0);

// What an instruction reads, and what it always writes.
struct Effect {
  std::uint16_t reads = 0, writes = 0;
};

Effect alu_effect(const vm::InsnRow& row, const vm::Insn& insn) {
  const std::uint16_t source = row.source == vm::Source::kReg ? bit(insn.src) : std::uint16_t{0};
  switch (row.alu()) {
    case vm::AluOp::kMov:
    case vm::AluOp::kMovsx8:
    case vm::AluOp::kMovsx16:
    case vm::AluOp::kMovsx32: return {source, bit(insn.dst)};
    default: return {static_cast<std::uint16_t>(source | bit(insn.dst)), bit(insn.dst)};
  }
}

Effect effect_of(const Op& op, const vm::Insn& insn, const std::function<std::uint16_t(const Op&)>& reads) {
  const auto both = static_cast<std::uint16_t>(bit(insn.dst) | bit(insn.src));
  switch (op.row->kind) {
    case vm::Kind::kAlu: return alu_effect(*op.row, insn);
    case vm::Kind::kEndian: return {bit(insn.dst), bit(insn.dst)};
    case vm::Kind::kLoad:
    case vm::Kind::kLoadSigned: return {bit(insn.src), bit(insn.dst)};
    case vm::Kind::kStore: return {both, 0};
    case vm::Kind::kStoreImm: return {bit(insn.dst), 0};
    // The comparing exchange reads r0, and writes it where it finds something else.
    case vm::Kind::kAtomic: return {static_cast<std::uint16_t>(both | kResult), 0};
    case vm::Kind::kLoadImm64: return {0, bit(insn.dst)};
    case vm::Kind::kBranch: return {op.row->source == vm::Source::kReg ? both : bit(insn.dst), 0};
    case vm::Kind::kCallHelper: return {reads(op), kResult | kArguments};
    // Whoever calls keeps r6..r9 over it.
    case vm::Kind::kCallLocal: return {kArguments, kResult | kArguments};
    case vm::Kind::kExit: return {kResult, 0};
    case vm::Kind::kGoto:
    case vm::Kind::kCallKernel:
    case vm::Kind::kLegacyLoad: return {};
  }
  return {};
}

}  // namespace

bool only_computes(vm::Kind kind) {
  return kind == vm::Kind::kAlu || kind == vm::Kind::kEndian || kind == vm::Kind::kLoadImm64;
}

// Backwards, again while something grows: once for each loop around another, and once more.
void find_live(Lowered& lowered, const std::function<std::uint16_t(const Op&)>& reads) {
  std::vector<std::uint16_t> before(lowered.ops.size() + 2);  // by slot: what is read from there on
  for (const Function& f : lowered.functions) {
    for (bool grew = true; grew;) {
      grew = false;
      for (std::uint32_t slot = f.end; slot-- > f.start;) {
        Op& op = lowered.ops[slot];
        if (op.row == nullptr || !op.reachable) continue;
        const vm::Kind kind = op.row->kind;
        op.live = kind == vm::Kind::kGoto || kind == vm::Kind::kExit ? std::uint16_t{0} : before[slot + slots(*op.row)];
        if (kind == vm::Kind::kGoto || kind == vm::Kind::kBranch) op.live |= before[op.target];
        Effect effect = effect_of(op, lowered.program->insns[slot], reads);
        if (only_computes(kind) && (op.live & effect.writes) == 0) effect.reads = 0;  // it will not be translated
        const auto now = static_cast<std::uint16_t>((op.live & ~effect.writes) | effect.reads);
        grew = std::exchange(before[slot], now) != now || grew;
      }
    }
  }
}

}  // namespace sluice::jit
