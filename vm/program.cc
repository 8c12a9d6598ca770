#include "vm/program.h"

#include <algorithm>
#include <set>

namespace sluice::vm {

const SourceLine* LoadedProgram::line_at(std::uint32_t slot) const noexcept {
  const auto after = std::ranges::upper_bound(lines, slot, {}, &SourceLine::insn);
  return after == lines.begin() ? nullptr : &*std::prev(after);
}

std::size_t LoadedProgram::subprogram_at(std::uint32_t slot) const noexcept {
  const auto after = std::ranges::upper_bound(subprograms, slot, {}, &Subprogram::start);
  return after == subprograms.begin() ? 0 : static_cast<std::size_t>(std::prev(after) - subprograms.begin());
}

std::vector<Subprogram> subprograms_of(std::span<const Insn> insns) {
  std::set<std::uint32_t> starts{0};
  for (std::size_t slot = 0; slot < insns.size();) {
    const InsnRow* const row = find(insns[slot]);
    const bool code =
        row != nullptr && row->kind == Kind::kLoadImm64 && row->op == static_cast<std::uint8_t>(Imm64::kCode);
    if (code || (row != nullptr && row->kind == Kind::kCallLocal)) {
      const std::int64_t target = static_cast<std::int64_t>(slot) + 1 + insns[slot].imm;
      if (target >= 0 && target < static_cast<std::int64_t>(insns.size()))
        starts.insert(static_cast<std::uint32_t>(target));
    }
    slot += row == nullptr ? 1 : slots(*row);
  }
  std::vector<Subprogram> subprograms;
  for (const std::uint32_t start : starts) subprograms.push_back({.name = {}, .start = start});
  return subprograms;
}

}  // namespace sluice::vm
