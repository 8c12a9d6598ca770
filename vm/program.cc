#include "vm/program.h"

#include <algorithm>

namespace sluice::vm {

const SourceLine* LoadedProgram::line_at(std::uint32_t slot) const noexcept {
  const auto after = std::ranges::upper_bound(lines, slot, {}, &SourceLine::insn);
  return after == lines.begin() ? nullptr : &*std::prev(after);
}

std::size_t LoadedProgram::subprogram_at(std::uint32_t slot) const noexcept {
  const auto after = std::ranges::upper_bound(subprograms, slot, {}, &Subprogram::start);
  return after == subprograms.begin() ? 0 : static_cast<std::size_t>(std::prev(after) - subprograms.begin());
}

}  // namespace sluice::vm
