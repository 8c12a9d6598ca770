// Accepted means harmless: random programs are verified, and those accepted run in the checked interpreter, which stops
// at every access outside what a program owns and at every register outside what the verifier claimed.
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/embedding.h"
#include "tests/unit/verifier/cases.h"

namespace sluice::verifier {
namespace {

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  // Starts with what makes accesses possible (a checked packet, a map value, stack), goes on with anything.
  std::string program() {
    std::string text = R"(
      mov r6, r1
      ldxw r7, [r1+0]
      ldxw r8, [r1+4]
      mov r2, r7
      add r2, 20
      mov r0, 0
      jgt r2, r8, out
      lddw_map_value r9, 3, 0
      stdw [r10-16], 0
      ldxb r1, [r7+3]
      ldxw r2, [r6+12]
      ldxb r3, [r9+5]
      mov r4, 7
      ldxh r5, [r7+8]
)";
    const unsigned count = 4 + pick(18);
    for (unsigned i = 0; i < count; ++i) text += "l" + std::to_string(i) + ": " + statement(i, count) + "\n";
    text += "l" + std::to_string(count) + ": mov r0, 2\nout: exit\n";
    return text;
  }

 private:
  unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  std::string scalar() { return "r" + std::to_string(pick(6)); }
  std::string number() {
    static constexpr std::array kNumbers{"0", "1", "3", "7", "8", "15", "63", "255", "-1", "-8", "4096", "0x7fffffff"};
    return kNumbers[pick(kNumbers.size())];
  }
  std::string operand() { return pick(2) == 0 ? scalar() : number(); }

  std::string statement(unsigned at, unsigned count) {
    static constexpr std::array kOps{"add", "sub",   "mul",   "and",   "or",    "xor",   "mov",  "mod",
                                     "div", "add32", "sub32", "and32", "mov32", "xor32", "mul32"};
    static constexpr std::array kShifts{"lsh", "rsh", "arsh"};
    static constexpr std::array kConds{"jeq",  "jne",  "jgt",  "jge",   "jlt",    "jle",   "jsgt", "jsge",
                                       "jslt", "jsle", "jset", "jgt32", "jslt32", "jeq32", "jle32"};
    static constexpr std::array kSizes{"b", "h", "w", "dw"};
    const auto to = [&] { return "l" + std::to_string(at + 1 + pick(count - at)); };
    switch (pick(12)) {
      case 0:
      case 1:
      case 2: return std::string(kOps[pick(kOps.size())]) + " " + scalar() + ", " + operand();
      case 3: return std::string(kShifts[pick(3)]) + " " + scalar() + ", " + std::to_string(pick(32));
      case 4:
      case 5: return std::string(kConds[pick(kConds.size())]) + " " + scalar() + ", " + operand() + ", " + to();
      case 6: return "and " + scalar() + ", " + std::to_string((1U << pick(7)) - 1);
      case 7: {  // through a pointer moved by a number
        static constexpr std::array kBases{"r7", "r9", "r10"};
        const std::string reg = scalar();
        const std::string other = scalar();
        return "mov " + reg + ", " + kBases[pick(3)] + "\nadd " + reg + ", " + (pick(2) == 0 ? other : number()) +
               "\nldx" + kSizes[pick(4)] + " " + reg + ", [" + reg + (pick(2) == 0 ? "-16]" : "+0]");
      }
      case 8:
        return std::string("stx") + kSizes[pick(4)] + " [r10-" + std::to_string(8 * (1 + pick(3))) + "], " + scalar();
      case 9:
        return std::string("ldx") + kSizes[pick(4)] + " " + scalar() + ", [r10-" + std::to_string(8 * (1 + pick(3))) +
               "]";
      case 10: return std::string("ldx") + kSizes[pick(4)] + " " + scalar() + ", [r7+" + std::to_string(pick(22)) + "]";
      default: return std::string("stx") + kSizes[pick(4)] + " [r9+" + std::to_string(pick(62)) + "], " + scalar();
    }
  }

  std::mt19937 random_;
};

TEST(Soundness, AcceptedRandomProgramsNeverFaultAndKeepTheirClaims) {
  unsigned accepted = 0;
  for (std::uint32_t seed = 1; seed <= 4000; ++seed) {
    const std::string text = Generator(seed).program();
    Outcome outcome = testing::verify_text(text, {.record_claims = true});
    const bool claimed = outcome.accepted();
    const auto frames = testing_support::random_frames(seed, 10);
    if (claimed) {
      ASSERT_EQ(testing_support::violation(std::move(outcome).take(), helpers::table(), frames, seed), "") << text;
    }
    // Pruning by what matters must give the same verdict as pruning by everything.
    Outcome pruned = testing::verify_text(text);
    ASSERT_EQ(pruned.accepted(), claimed) << text;
    if (!claimed) continue;
    ++accepted;
    ASSERT_EQ(testing_support::violation(std::move(pruned).take(), helpers::table(), frames, seed + 1), "") << text;
  }
  EXPECT_GT(accepted, 300U);
}

}  // namespace
}  // namespace sluice::verifier
