#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <array>
#include <vector>

#include "vm/isa.h"

namespace sluice::fuzz {
namespace {

using vm::Insn;
using vm::Kind;

constexpr std::uint8_t kLddw = 0x18;
constexpr std::array<std::int32_t, 16> kNumbers{0, 1, 2, 4, 7, 8, 14, 16, 31, 32, 63, 64, 255, -1, -8, 0x7fffffff};

// First slots of instructions.
std::vector<std::size_t> starts(const std::vector<Insn>& insns) {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < insns.size(); i += insns[i].opcode == kLddw ? 2 : 1) all.push_back(i);
  return all;
}

bool jumps_by_imm(const vm::InsnRow& row) {
  return row.kind == Kind::kCallLocal || (row.kind == Kind::kGoto && !row.wide);
}
bool has_target(const vm::InsnRow* row) {
  return row != nullptr && (row->kind == Kind::kGoto || row->kind == Kind::kBranch || row->kind == Kind::kCallLocal);
}

// Another instruction of the same kind, hence with the same fields.
void other_operation(Insn& insn, std::mt19937_64& random) {
  const vm::InsnRow* const row = vm::find(insn);
  if (row == nullptr) return;
  std::vector<const vm::InsnRow*> like;
  for (const vm::InsnRow& one : vm::all_rows()) {
    if (one.kind == row->kind && one.source == row->source) like.push_back(&one);
  }
  const vm::InsnRow& chosen = *like[random() % like.size()];
  insn.opcode = chosen.opcode;
  if (chosen.imm.mode == vm::FieldRule::Mode::kExactly) insn.imm = chosen.imm.value;
  if (chosen.offset.mode == vm::FieldRule::Mode::kExactly) insn.offset = static_cast<std::int16_t>(chosen.offset.value);
}

std::int32_t other_number(std::int32_t number, std::mt19937_64& random) {
  switch (random() % 6) {
    case 0: return kNumbers[random() % kNumbers.size()];
    case 1: return -number;
    case 2: return number / 2;
    case 3: return static_cast<std::int32_t>(static_cast<std::uint32_t>(number) ^ 1U << random() % 32);
    default: return static_cast<std::int32_t>(static_cast<std::uint32_t>(number) + (random() % 2 == 0 ? 1U : ~0U));
  }
}

}  // namespace

void mutate(vm::LoadedProgram& program, std::mt19937_64& random) {
  std::vector<Insn>& insns = program.insns;
  if (insns.empty()) return;
  const auto all = starts(insns);
  const std::size_t at = all[random() % all.size()];
  Insn& insn = insns[at];
  const bool pair = insn.opcode == kLddw && at + 1 < insns.size();
  switch (random() % 10) {
    case 0:
    case 1: other_operation(insn, random); break;
    case 2: insn.dst = random() % 11; break;
    case 3:
      if (!pair) insn.src = random() % 11;
      break;
    case 4: insn.offset = static_cast<std::int16_t>(other_number(insn.offset, random)); break;
    case 5:
    case 6: (pair && random() % 2 == 0 ? insns[at + 1] : insn).imm = other_number(insn.imm, random); break;
    case 7: program = without(program, at, pair ? 2 : 1); break;
    case 8: insn = insns[all[random() % all.size()]]; break;  // may tear an lddw
    default: {
      const std::size_t other = all[random() % all.size()];
      if (!pair && insns[other].opcode != kLddw) std::swap(insn, insns[other]);
      break;
    }
  }
  if (program.insns.size() > 1) program.subprograms = vm::subprograms_of(program.insns);
}

vm::LoadedProgram without(const vm::LoadedProgram& program, std::size_t first, std::size_t count) {
  vm::LoadedProgram result = program;
  const auto cut = result.insns.begin() + static_cast<std::ptrdiff_t>(first);
  result.insns.erase(cut, cut + static_cast<std::ptrdiff_t>(count));
  // Where an old slot stands now; what was cut stands for what followed it.
  const auto moved = [&](std::int64_t slot) {
    const auto start = static_cast<std::int64_t>(first);
    const auto end = static_cast<std::int64_t>(first + count);
    return slot < start ? slot : slot < end ? start : slot - static_cast<std::int64_t>(count);
  };
  for (const std::size_t old : starts(program.insns)) {
    if (old >= first && old < first + count) continue;
    const vm::InsnRow* const row = vm::find(program.insns[old]);
    if (!has_target(row)) continue;
    Insn& insn = result.insns[static_cast<std::size_t>(moved(static_cast<std::int64_t>(old)))];
    const bool by_imm = jumps_by_imm(*row);
    const std::int64_t distance = by_imm ? insn.imm : insn.offset;
    const std::int64_t now =
        moved(static_cast<std::int64_t>(old) + 1 + distance) - moved(static_cast<std::int64_t>(old)) - 1;
    if (by_imm) {
      insn.imm = static_cast<std::int32_t>(now);
    } else {
      insn.offset = static_cast<std::int16_t>(now);
    }
  }
  result.subprograms = vm::subprograms_of(result.insns);
  result.lines.clear();
  return result;
}

vm::LoadedProgram shrink(vm::LoadedProgram program, const std::function<bool(const vm::LoadedProgram&)>& same) {
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t piece = 8; piece > 0; piece /= 2) {
      auto all = starts(program.insns);
      for (std::size_t i = all.size(); i-- > 0;) {
        if (all.size() <= piece || i + piece > all.size()) continue;
        const std::size_t end = i + piece < all.size() ? all[i + piece] : program.insns.size();
        vm::LoadedProgram shorter = without(program, all[i], end - all[i]);
        if (!same(shorter)) continue;
        program = std::move(shorter);
        all = starts(program.insns);
        changed = true;
      }
    }
  }
  return program;
}

}  // namespace sluice::fuzz
