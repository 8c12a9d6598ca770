// Can the tests of scalar_exhaustive_test.cc fail? Each operator gets mistakes of several kinds put into its results,
// and each must be noticed: some pair of elements has a concrete result that the spoilt one does not hold.
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/verifier/small_scalars.h"
#include "tests/unit/verifier/small_width.h"

namespace sluice::verifier {
namespace {

using namespace small_width;

constexpr unsigned kN = 4;
using Scalar4 = ScalarT<kN>;

// A mistake: what the operator would say instead of `right`; nothing where it makes no difference.
struct Mistake {
  std::string_view name;
  std::optional<Scalar4> (*spoil)(const Scalar4& right);
};

constexpr Mistake kMistakes[] = {
    {"the largest number is left out",
     [](const Scalar4& right) {
       return right.umax() == 0 ? std::nullopt : right.intersect(Scalar4::range(0, right.umax() - 1));
     }},
    {"the smallest number is left out",
     [](const Scalar4& right) {
       return right.umin() == 15 ? std::nullopt : right.intersect(Scalar4::range(right.umin() + 1, 15));
     }},
    {"the largest signed number is left out",
     [](const Scalar4& right) {
       return right.smax() == -8 ? std::nullopt : right.intersect(Scalar4::signed_range(-8, right.smax() - 1));
     }},
    {"the smallest signed number is left out",
     [](const Scalar4& right) {
       return right.smin() == 7 ? std::nullopt : right.intersect(Scalar4::signed_range(right.smin() + 1, 7));
     }},
    {"the lowest bit is taken for 0",
     [](const Scalar4& right) {
       Interval<kN> even;
       even.bits = {0, 14};
       EXPECT_TRUE(even.settle());
       const auto all = Scalar4::meet_of(even, Interval<kN / 2>{});
       return all ? right.intersect(*all) : std::nullopt;
     }},
};

class Operators : public testing::Test {
 protected:
  static const std::vector<Element<kN>>& all() {
    static const auto made = elements<kN>(0);
    return made;
  }

  // Whether some pair shows that `wrong(a, b)` does not hold what `right(a, b)` has.
  template <typename Right, typename Wrong>
  static bool noticed(Right right, Wrong wrong) {
    bool found = false;
    for_pairs<kN>(all(), 25'000, [&](const auto& a, const auto& b) {
      const std::optional<Scalar4> spoilt = wrong(a, b);
      found = spoilt && !right(a, b).is_subset_of(members(*spoilt));
      return !found;
    });
    return found;
  }
};

TEST_F(Operators, OfNumbersAreCaughtWhenWrong) {
  for (std::size_t op = 0; op < kAluOps.size(); ++op) {
    for (const bool wide : {true, false}) {
      const auto table = alu_table<kN>(kAluOps[op], wide);
      const auto right = [&](const auto& a, const auto& b) { return results<kN>(table, a, b); };
      const std::string name = std::string(kAluNames[op]) + (wide ? " wide: " : " narrow: ");
      for (const Mistake& mistake : kMistakes) {
        EXPECT_TRUE(noticed(right,
                            [&](const auto& a, const auto& b) {
                              return mistake.spoil(verifier::alu<kN>(kAluOps[op], wide, a.abstract, b.abstract));
                            }))
            << name << mistake.name;
      }
      // What another operator says, unless it does the same at this width.
      for (std::size_t other = 0; other < kAluOps.size(); ++other) {
        if (alu_table<kN>(kAluOps[other], wide) == table) continue;
        EXPECT_TRUE(noticed(right,
                            [&](const auto& a, const auto& b) {
                              return std::optional(verifier::alu<kN>(kAluOps[other], wide, a.abstract, b.abstract));
                            }))
            << name << "taken for " << kAluNames[other];
      }
    }
  }
}

TEST_F(Operators, OfComparesAreCaughtWhenWrong) {
  for (std::size_t c = 0; c < kConds.size(); ++c) {
    for (const bool wide : {true, false}) {
      for (const bool taken : {true, false}) {
        const auto holds = [&](unsigned x, unsigned y) {
          return (wide ? compare(kConds[c], kN, x, y) : compare(kConds[c], kN / 2, low<kN>(x), low<kN>(y))) == taken;
        };
        const auto right = [&](const auto& a, const auto& b) {
          Set left;
          for (const unsigned x : a.list) {
            for (const unsigned y : b.list) {
              if (holds(x, y)) left.add(x);
            }
          }
          return left;
        };
        const auto learnt = [&](const auto& a, const auto& b, bool way) -> std::optional<Scalar4> {
          auto ra = a.abstract;
          auto rb = b.abstract;
          return refine<kN>(kConds[c], wide, way, ra, rb) ? std::optional(ra) : std::nullopt;
        };
        const std::string name = std::string(kCondNames[c]) + (wide ? " wide" : " narrow") + (taken ? ": " : " not: ");
        for (const Mistake& mistake : kMistakes) {
          EXPECT_TRUE(noticed(right,
                              [&](const auto& a, const auto& b) {
                                const auto truth = learnt(a, b, taken);
                                return truth ? mistake.spoil(*truth) : std::nullopt;
                              }))
              << name << mistake.name;
        }
        EXPECT_TRUE(noticed(right, [&](const auto& a, const auto& b) { return learnt(a, b, !taken); }))
            << name << "the other way's knowledge";
      }
    }
  }
}

TEST_F(Operators, OfJoiningAreCaughtWhenWrong) {
  const auto right = [](const auto& a, const auto& b) {
    Set both = a.set;
    for (const unsigned y : b.list) both.add(y);
    return both;
  };
  for (const Mistake& mistake : kMistakes) {
    EXPECT_TRUE(noticed(right, [&](const auto& a, const auto& b) {
      return mistake.spoil(join<kN>(a.abstract, b.abstract));
    })) << mistake.name;
  }
  EXPECT_TRUE(noticed(right, [](const auto& a, const auto& /*b*/) { return std::optional(a.abstract); }))
      << "one side alone";
}

}  // namespace
}  // namespace sluice::verifier
