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

namespace {

// What is read from each slot on, found by going back from where it is read. A slot is looked at again when it grew
// behind it: not more often than there are registers, wherever jumps go.
class Search {
 public:
  Search(Lowered& lowered, const std::function<std::uint16_t(const Op&)>& reads)
      : lowered_(lowered), reads_(reads), before_(lowered.ops.size() + 2), waits_(lowered.ops.size()) {
    find_jumps();
  }

  void run() {
    for (std::uint32_t slot = 0; slot < lowered_.ops.size(); ++slot) add(slot);
    while (!waiting_.empty()) {
      const std::uint32_t slot = waiting_.back();
      waiting_.pop_back();
      waits_[slot] = false;
      if (!look_at(slot)) continue;
      for (std::uint32_t i = first_jump_[slot]; i < first_jump_[slot + 1]; ++i) add(jumps_[i]);
      // The second slot of an lddw is no instruction.
      if (slot != 0) add(lowered_.ops[slot - 1].row != nullptr || slot == 1 ? slot - 1 : slot - 2);
    }
  }

 private:
  // Jumps by where they go: those to slot s are jumps_[first_jump_[s] .. first_jump_[s + 1] - 1].
  void find_jumps() {
    first_jump_.resize(lowered_.ops.size() + 2);
    const auto each_jump = [this](auto&& act) {
      for (std::uint32_t slot = 0; slot < lowered_.ops.size(); ++slot) {
        if (is_jump(lowered_.ops[slot])) act(slot, lowered_.ops[slot].target);
      }
    };
    each_jump([this](std::uint32_t, std::uint32_t target) { ++first_jump_[target + 2]; });
    for (std::size_t i = 1; i < first_jump_.size(); ++i) first_jump_[i] += first_jump_[i - 1];
    jumps_.resize(first_jump_.back());
    each_jump([this](std::uint32_t slot, std::uint32_t target) { jumps_[first_jump_[target + 1]++] = slot; });
  }
  static bool is_jump(const Op& op) {
    return op.row != nullptr && (op.row->kind == vm::Kind::kGoto || op.row->kind == vm::Kind::kBranch);
  }
  void add(std::uint32_t slot) {
    const Op& op = lowered_.ops[slot];
    if (op.row == nullptr || !op.reachable || waits_[slot]) return;
    waits_[slot] = true;
    waiting_.push_back(slot);
  }
  // True when more is read from the slot on than was known.
  bool look_at(std::uint32_t slot) {
    Op& op = lowered_.ops[slot];
    const vm::Kind kind = op.row->kind;
    op.live = kind == vm::Kind::kGoto || kind == vm::Kind::kExit ? std::uint16_t{0} : before_[slot + slots(*op.row)];
    if (is_jump(op)) op.live |= before_[op.target];
    Effect effect = effect_of(op, lowered_.program->insns[slot], reads_);
    if (only_computes(kind) && (op.live & effect.writes) == 0) effect.reads = 0;  // it will not be translated
    const auto now = static_cast<std::uint16_t>((op.live & ~effect.writes) | effect.reads);
    return std::exchange(before_[slot], now) != now;
  }

  Lowered& lowered_;
  const std::function<std::uint16_t(const Op&)>& reads_;
  std::vector<std::uint16_t> before_;   // by slot
  std::vector<bool> waits_;             // by slot: is in waiting_
  std::vector<std::uint32_t> waiting_;  // last in, first out: at first from the end backwards
  std::vector<std::uint32_t> first_jump_, jumps_;
};

}  // namespace

void find_live(Lowered& lowered, const std::function<std::uint16_t(const Op&)>& reads) { Search(lowered, reads).run(); }

}  // namespace sluice::jit
