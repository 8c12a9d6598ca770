// Pruning may only save work: with it switched off every path is walked to its end, and verdict and facts must be the
// same. Programs here are made for it: ways that come together with different numbers in registers, copies, spills and
// callers' frames, of which some decide something later.
#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/verifier/cases.h"

namespace sluice::verifier {
namespace {

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  // r6: checked packet of 20 bytes, r7: map value of 64 bytes, r8, r9: numbers that calls keep, the packet's bytes in
  // r1.
  std::string program() {
    std::string text = R"(
      mov r2, r1
      ldxw r6, [r2+0]
      ldxw r3, [r2+4]
      mov r4, r6
      add r4, 20
      mov r0, 0
      jgt r4, r3, out
      lddw_map_value r7, 3, 0
      ldxb r8, [r6+1]
      mov r9, 4
      ldxb r1, [r6+2]
      mov r2, 0
      ldxh r3, [r6+4]
      mov r4, 8
      ldxw r5, [r6+8]
      stxdw [r10-8], r8
      stdw [r10-16], 0
      stdw [r10-24], 6
)";
    text += body(5 + pick(8), "m", true);
    text += use(true) + "mov r0, 2\nout: exit\n";
    text +=
        "f:\nmov r6, r1\nmov r7, r2\nmov r8, 3\nmov r9, r2\nmov r3, 1\nmov r4, 2\nmov r5, 3\n"
        "stxdw [r10-8], r1\nstdw [r10-16], 0\nstdw [r10-24], 1\n";
    text += body(3 + pick(4), "s", false);
    text += "mov r0, " + number_register() + "\nexit\n";
    return text;
  }

 private:
  unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  template <std::size_t N>
  std::string one_of(const std::array<const char*, N>& list) {
    return list[pick(N)];
  }
  std::string number_register() { return one_of(std::array{"r1", "r2", "r3", "r4", "r5", "r8", "r9"}); }
  std::string small() { return std::to_string(std::array{0, 1, 2, 3, 4, 7, 8, 15, 16, 60, 64}[pick(11)]); }
  std::string slot() { return "[r10-" + std::to_string(8 * (1 + pick(3))) + "]"; }
  std::string label() { return name_ + std::to_string(++labels_); }

  std::string body(unsigned statements, const std::string& name, bool main) {
    name_ = name;
    labels_ = 0;
    std::string text;
    for (unsigned i = 0; i < statements; ++i) text += statement(main, 0);
    return text;
  }

  std::string statement(bool main, unsigned depth) {
    const unsigned kind = pick(depth < 2 ? 14 : 11);
    switch (kind) {
      case 0: return "mov " + number_register() + ", " + number_register() + "\n";
      case 1: return "mov " + number_register() + ", " + small() + "\n";
      case 2: return "add " + number_register() + ", " + one_of(std::array{"1", "4", "-1", "8"}) + "\n";
      case 3: return "and " + number_register() + ", " + one_of(std::array{"3", "7", "15", "63", "0x38"}) + "\n";
      case 4:
        return one_of(std::array{"add ", "sub ", "xor ", "or ", "mov32 ", "mul ", "lsh "}) + number_register() + ", " +
               (pick(2) == 0 ? number_register() : std::string("2")) + "\n";
      case 5:
        return one_of(std::array{"stxb ", "stxw ", "stxdw ", "stxdw "}) + slot() + ", " + number_register() + "\n";
      case 6:
        return one_of(std::array{"ldxb ", "ldxw ", "ldxdw ", "ldxdw "}) + number_register() + ", " + slot() + "\n";
      case 7: return one_of(std::array{"stb ", "stw ", "stdw "}) + slot() + ", " + small() + "\n";
      case 8:
      case 9:
        return pick(5) == 0 ? use(main) : "and " + number_register() + ", " + one_of(std::array{"3", "7", "15"}) + "\n";
      case 10: return main ? "ldxb " + number_register() + ", [r6+" + std::to_string(pick(20)) + "]\n" : use(main);
      default: return nested(kind, main, depth);
    }
  }

  // Ways that part and come together, a loop of few rounds, a call.
  std::string nested(unsigned kind, bool main, unsigned depth) {
    if (kind == 12 && main)
      return "mov r1, " + number_register() + "\nmov r2, " + number_register() + "\ncall_local f\n" + after_call();
    const std::string end = label();
    if (kind == 13 && depth == 0) {
      return "mov r9, 0\n" + end + ":\n" + statement(main, 2) + "add r9, 1\njlt r9, " + std::to_string(2 + pick(3)) +
             ", " + end + "\n";
    }
    const std::string other = label();
    const std::string condition = one_of(std::array{"jeq ", "jgt ", "jlt ", "jslt ", "jset ", "jgt32 ", "jne "});
    std::string text =
        condition + number_register() + ", " + (pick(3) == 0 ? number_register() : small()) + ", " + other + "\n";
    text += statement(main, depth + 1) + "ja " + end + "\n" + other + ":\n" + statement(main, depth + 1);
    return text + end + ":\n";
  }

  std::string after_call() {
    return "mov r1, r0\nmov r2, 1\nmov r3, r0\nmov r4, 5\nmov r5, " + std::string(pick(2) == 0 ? "r8" : "0") + "\n";
  }

  // Something that a number decides.
  std::string use(bool main) {
    const std::string number = number_register();
    switch (pick(main ? 4 : 2)) {
      case 0:
        return "lddw_map_value r0, 3, 0\nadd r0, " + number + "\nldx" + one_of(std::array{"b", "w"}) + " r0, [r0+0]\n";
      case 1: return "mov r0, r10\nadd r0, -24\nadd r0, " + number + "\nldxb r0, [r0+0]\n";
      case 2: return "mov r0, r7\nadd r0, " + number + "\nstb [r0+0], 1\n";
      default: return "mov r0, r6\nadd r0, " + number + "\nldxb r0, [r0+0]\n";
    }
  }

  std::mt19937 random_;
  std::string name_;
  unsigned labels_ = 0;
};

// What holds on fewer paths may be known better, so all that `pruned` says must hold for `whole`.
void expect_facts_hold(const vm::Facts& pruned, const vm::Facts& whole, const std::string& text) {
  ASSERT_EQ(pruned.may_return & whole.may_return, whole.may_return) << text;
  ASSERT_EQ(pruned.stack_depth, whole.stack_depth) << text;
  for (std::size_t i = 0; i < whole.slots_to_clear.size(); ++i) {
    ASSERT_EQ(pruned.slots_to_clear[i] & whole.slots_to_clear[i], whole.slots_to_clear[i]) << text;
  }
  for (std::size_t i = 0; i < whole.insns.size(); ++i) {
    const vm::InsnFacts& few = pruned.insns[i];
    const vm::InsnFacts& all = whole.insns[i];
    ASSERT_EQ(few.reachable, all.reachable) << "insn " << i << text;
    if (few.region == vm::Region::kUnknown) continue;
    ASSERT_EQ(few.region, all.region) << "insn " << i << text;
    ASSERT_LE(few.min_offset, all.min_offset) << "insn " << i << text;
    ASSERT_GE(few.max_offset, all.max_offset) << "insn " << i << text;
  }
}

TEST(Pruning, ChangesNeitherVerdictNorFacts) {
  unsigned accepted = 0;
  unsigned refused = 0;
  std::uint64_t saved = 0;
  for (std::uint32_t seed = 1; seed <= 12000; ++seed) {
    const std::string text = Generator(seed).program();
    Outcome whole = testing::verify_text(text, {.limits = {.processed = 20000}, .prune = false});
    if (!whole.accepted() && whole.rejection().code == "too-complex") continue;
    Outcome pruned = testing::verify_text(text);
    ASSERT_EQ(pruned.accepted(), whole.accepted())
        << "seed " << seed << text << render((pruned.accepted() ? whole : pruned).rejection(), {});
    if (!whole.accepted()) {
      ++refused;
      continue;
    }
    ++accepted;
    saved += whole.statistics.processed - pruned.statistics.processed;
    expect_facts_hold(std::move(pruned).take().facts(), std::move(whole).take().facts(), text);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(accepted, 500U);
  EXPECT_GT(refused, 500U);
  EXPECT_GT(saved, 10000U);
  RecordProperty("accepted", static_cast<int>(accepted));
  RecordProperty("refused", static_cast<int>(refused));
  RecordProperty("saved", static_cast<int>(saved));
}

}  // namespace
}  // namespace sluice::verifier
