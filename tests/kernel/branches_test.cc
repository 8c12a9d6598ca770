// The frames and fixtures of the parity table reach both sides of every branch: counted in the checked interpreter,
// which may not fault on any of them.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/kernel/setups.h"
#include "vm/isa.h"

namespace sluice::kernel {
namespace {


struct Totals {
  std::size_t sides = 0, reached = 0, excused = 0;
};

class Judge {
 public:
  void program(const std::string& name, const Coverage& covered) {
    EXPECT_EQ(covered.fault, "") << name;
    for (std::uint32_t slot = 0; slot < covered.branches.size(); ++slot) {
      const vm::InsnRow* const row = vm::find(covered.program.insns[slot]);
      if (row == nullptr || row->kind != vm::Kind::kBranch || !covered.reachable[slot]) continue;
      side(name, covered, slot, "taken", covered.branches[slot].taken);
      side(name, covered, slot, "not taken", covered.branches[slot].not_taken);
    }
  }
  [[nodiscard]] const Totals& totals() const { return totals_; }

 private:
  void side(const std::string& name, const Coverage& covered, std::uint32_t slot, const char* which,
            std::uint64_t times) {
    ++totals_.sides;
    if (times != 0) {
      ++totals_.reached;
      return;
    }
    const vm::SourceLine* const line = covered.program.line_at(slot);
    ADD_FAILURE() << fmt::format("{}: insn {} never {}: {}:{}: {}", name, slot, which,
                                 line == nullptr ? "?" : line->file.substr(line->file.rfind('/') + 1),
                                 line == nullptr ? 0 : line->line, line == nullptr ? "" : line->text);
  }
  Totals totals_;
};

TEST(ParityCases, ReachBothSidesOfEveryBranch) {
  CoverageMap coverage;
  for (const Case& c : all_cases()) {
    auto side = sluice_side(c.setup, pipeline::Engine::kInterp, &coverage);
    ASSERT_TRUE(side) << c.name << ": " << side.error().message;
    for (const auto& [metadata, frame] : c.inputs) (*side)->run(metadata, frame);
  }
  Judge judge;
  for (const auto& [name, covered] : coverage) judge.program(name, covered);
  fmt::print("{} programs, {} branch sides: {} reached, {} excused\n", coverage.size(), judge.totals().sides,
             judge.totals().reached, judge.totals().excused);
}

}  // namespace
}  // namespace sluice::kernel
