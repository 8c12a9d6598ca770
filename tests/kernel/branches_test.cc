// The frames and fixtures of the parity table reach both sides of every branch: counted in the checked interpreter,
// which may not fault on any of them.
#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/kernel/setups.h"
#include "vm/isa.h"

namespace sluice::kernel {
namespace {

// Sides that no frame and no fixture can reach, by what the source line says there.
struct Excuse {
  std::string_view file, text, why;
  unsigned dead = 0;  // so many branches on such a line never run at all, because they lie behind another excuse
};
constexpr std::string_view kNeverMisses = "a look-up in an array by an index below its size finds something";
constexpr std::string_view kHeadroom = "the frame always has the room in front that is asked for";
constexpr std::string_view kLongEnough = "test_run takes no frame shorter than an Ethernet header";
constexpr std::string_view kAskedTwice = "the compiler asks again what an earlier compare has told";
constexpr Excuse kExcuses[] = {
    {"map_kinds.bpf.c", "switch (data[14])", kAskedTwice},
    {"edge.h", "if (!c)", kNeverMisses, 2},
    {"l2_switch.bpf.c", "if (c)", kNeverMisses},
    {"balancer.bpf.c", "if (c)", kNeverMisses},
    {"arithmetic.bpf.c", "if (place)", kNeverMisses},
    {"parse.h", "if ((void *)(eth + 1) > data_end)", kLongEnough},
    {"router.bpf.c", "if ((void *)(meta + 1) > data || data + sizeof(struct ethhdr) > data_end)", kLongEnough},
    {"records.bpf.c", "if ((void *)(eth + 1) > end) return XDP_ABORTED;", kLongEnough},
    {"records.bpf.c", "if (error && failed) *failed += 1;", kNeverMisses},
    {"firewall.bpf.c", "if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))", kHeadroom},
    {"firewall.bpf.c", "if ((void *)(meta + 1) > data)", kHeadroom},
    {"balancer.bpf.c", "if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*ip)))", kHeadroom},
    {"balancer.bpf.c", "if ((void *)(ip + 1) > data_end)", kHeadroom},
    {"firewall.bpf.c", "if (reason != FORWARDED)", "clang compares a constant it has just loaded"},
    {"l2_switch.bpf.c", "value.last_seen = now ? now : 1;", "the clock does not stand at 0"},
    {"helpers.bpf.c", "case 15: result = bpf_ktime_get_ns() != 0; break;", "the clock does not stand at 0"},
    {"helpers.bpf.c", "switch (what) {", "all 256 values are asked; clang's tree of compares tests what it knows"},
};

// Cases about the loader: their programs are run, but their fixtures are not made to reach everything.
constexpr std::string_view kLoaderObjects[] = {"calls.", "globals.", "maps.", "types."};

struct Totals {
  std::size_t sides = 0, reached = 0, excused = 0;
};

class Judge {
 public:
  void program(const std::string& name, const Coverage& covered) {
    EXPECT_EQ(covered.fault, "") << name;
    if (std::ranges::any_of(kLoaderObjects, [&](std::string_view stem) { return name.starts_with(stem); })) return;
    std::map<const Excuse*, unsigned> dead;
    for (std::uint32_t slot = 0; slot < covered.branches.size(); ++slot) {
      const vm::InsnRow* const row = vm::find(covered.program.insns[slot]);
      if (row == nullptr || row->kind != vm::Kind::kBranch || !covered.reachable[slot]) continue;
      branch(name, covered, slot, dead);
    }
    for (const auto& [excuse, times] : dead) EXPECT_LE(times, excuse->dead) << name << ": " << excuse->text;
  }
  [[nodiscard]] const Totals& totals() const { return totals_; }

 private:
  void branch(const std::string& name, const Coverage& covered, std::uint32_t slot,
              std::map<const Excuse*, unsigned>& dead) {
    const auto& [taken, not_taken] = covered.branches[slot];
    totals_.sides += 2;
    totals_.reached += (taken != 0) + (not_taken != 0);
    if (taken != 0 && not_taken != 0) return;
    const vm::SourceLine* const line = covered.program.line_at(slot);
    ASSERT_NE(line, nullptr) << name << ": insn " << slot;
    const std::string_view file = std::string_view(line->file).substr(line->file.rfind('/') + 1);
    const auto* const excuse = std::ranges::find_if(
        kExcuses, [&](const Excuse& e) { return e.file == file && line->text.find(e.text) != std::string::npos; });
    if (excuse == std::end(kExcuses)) {
      ADD_FAILURE() << fmt::format("{}: insn {} never {}: {}:{}: {}", name, slot,
                                   taken != 0       ? "not taken"
                                   : not_taken != 0 ? "taken"
                                                    : "run",
                                   file, line->line, line->text);
      return;
    }
    totals_.excused += (taken == 0) + (not_taken == 0);
    if (taken == 0 && not_taken == 0) ++dead[excuse];
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
