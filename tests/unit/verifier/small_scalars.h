#pragma once
// Elements of the scalar domain at narrow widths with all their members, and how good a result is. Elements come from
// all combinations of bits and ranges (4 bits) or a seeded draw of them (6 and 8 bits).
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/verifier/small_width.h"
#include "verifier/scalar_impl.h"

namespace sluice::verifier::small_width {

// Numbers below 256, one bit each.
class Set {
 public:
  void add(unsigned x) { words_[x / 64] |= std::uint64_t{1} << (x % 64); }
  [[nodiscard]] bool has(unsigned x) const { return ((words_[x / 64] >> (x % 64)) & 1) != 0; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] unsigned size() const {
    unsigned n = 0;
    for (const auto word : words_) n += static_cast<unsigned>(std::popcount(word));
    return n;
  }
  [[nodiscard]] bool is_subset_of(const Set& other) const {
    for (unsigned i = 0; i < 4; ++i) {
      if ((words_[i] & ~other.words_[i]) != 0) return false;
    }
    return true;
  }
  friend auto operator<=>(const Set&, const Set&) = default;

 private:
  std::array<std::uint64_t, 4> words_{};
};

template <unsigned N>
struct Element {
  ScalarT<N> abstract;
  Set set;
  std::vector<std::uint8_t> list;
};

template <unsigned N>
Set members(const ScalarT<N>& a) {
  Set set;
  for (unsigned x = 0; x < 1U << N; ++x) {
    if (a.contains(x)) set.add(x);
  }
  return set;
}

template <unsigned N>
Interval<N> hull_of(const std::vector<unsigned>& numbers) {
  Interval<N> hull = Interval<N>::constant(numbers[0]);
  for (const unsigned x : numbers) hull = hull.unite(Interval<N>::constant(x));
  return hull;
}

// The best element for a set that is not empty.
template <unsigned N>
Set best_for(const Set& set) {
  std::vector<unsigned> whole;
  std::vector<unsigned> half;
  for (unsigned x = 0; x < 1U << N; ++x) {
    if (!set.has(x)) continue;
    whole.push_back(x);
    half.push_back(x & ((1U << (N / 2)) - 1));
  }
  const auto w = hull_of<N>(whole);
  const auto h = hull_of<N / 2>(half);
  Set best;
  for (unsigned x = 0; x < 1U << N; ++x) {
    if (w.contains(x) && h.contains(x & Interval<N / 2>::kMask)) best.add(x);
  }
  return best;
}

struct Score {
  std::size_t cases = 0, best = 0;
  double excess = 0;

  template <unsigned N>
  void count(const Set& exact, const Set& got) {
    const Set ideal = best_for<N>(exact);
    ++cases;
    best += got == ideal ? 1 : 0;
    excess += static_cast<double>(got.size()) / ideal.size();
  }
  [[nodiscard]] std::string text(unsigned n, std::string_view what, bool wide) const {
    const double total = cases == 0 ? 1 : static_cast<double>(cases);
    std::array<char, 128> line{};
    std::snprintf(line.data(), line.size(),
                  "%u bits %-8.*s %s best possible in %6.2f %% of %zu, mean size %.3f of the best", n,
                  static_cast<int>(what.size()), what.data(), wide ? "wide  " : "narrow",
                  100 * static_cast<double>(best) / total, cases, excess / total);
    return line.data();
  }
};

// Interval views: what bits and both ranges can say together. All of them for N <= 4, else `draws` at random.
template <unsigned N>
std::vector<Interval<N>> intervals(std::mt19937& random, unsigned draws) {
  std::vector<Interval<N>> out;
  std::set<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t>> seen;
  const auto add = [&](Interval<N> i) {
    if (i.settle() && seen.insert({i.bits.value, i.bits.mask, i.umin, i.umax, i.smin, i.smax}).second) out.push_back(i);
  };
  const auto number = [&] { return random() & Interval<N>::kMask; };
  if constexpr (N <= 4) {
    for (std::uint64_t mask = 0; mask <= Interval<N>::kMask; ++mask) {
      for (std::uint64_t value = 0; value <= Interval<N>::kMask; ++value) {
        for (std::uint64_t low = 0; (value & mask) == 0 && low <= Interval<N>::kMask; ++low) {
          for (std::uint64_t high = low; high <= Interval<N>::kMask; ++high) {
            add({{value, mask}, low, high, Interval<N>::kMin, Interval<N>::kMax});
            const auto slow = Interval<N>::to_signed(low ^ Interval<N>::kSign);
            const auto shigh = Interval<N>::to_signed(high ^ Interval<N>::kSign);
            add({{value, mask}, 0, Interval<N>::kMask, slow, shigh});
          }
        }
      }
    }
  } else {
    for (unsigned i = 0; i < draws; ++i) {
      Interval<N> one;
      const unsigned kinds = random();
      if ((kinds & 1) != 0) one.bits = {0, number() | number()};
      if ((kinds & 1) != 0) one.bits.value = number() & ~one.bits.mask;
      if ((kinds & 2) != 0) one.meet_unsigned(number(), number());
      if ((kinds & 4) != 0) one.meet_signed(Interval<N>::to_signed(number()), Interval<N>::to_signed(number()));
      if ((kinds & 24) == 24) one = Interval<N>::constant(number());
      add(one);
    }
  }
  return out;
}

// Elements of the product. On the way: bringing the views in step loses no member and finds every contradiction that
// it claims.
template <unsigned N>
std::vector<Element<N>> elements(unsigned draws) {
  std::mt19937 random(N);
  const auto wholes = intervals<N>(random, draws);
  const auto halves = intervals<N / 2>(random, draws);
  std::vector<Element<N>> out;
  std::set<Set> seen;
  const std::size_t tries = wholes.size() * halves.size() < 2'000'000 ? wholes.size() * halves.size() : draws * 4;
  for (std::size_t i = 0; i < tries; ++i) {
    const bool every = tries == wholes.size() * halves.size();
    const auto& whole = wholes[every ? i / halves.size() : random() % wholes.size()];
    // Half of the drawn ones know nothing of their own about the low half, as most registers do.
    const Interval<N / 2> half = every               ? halves[i % halves.size()]
                                 : random() % 2 == 0 ? Interval<N / 2>{}
                                                     : halves[random() % halves.size()];
    Set exact;
    for (unsigned x = 0; x < 1U << N; ++x) {
      if (whole.contains(x) && half.contains(x & Interval<N / 2>::kMask)) exact.add(x);
    }
    const auto met = ScalarT<N>::meet_of(whole, half);
    if (!met) {
      EXPECT_TRUE(exact.empty());
      continue;
    }
    const Set set = members(*met);
    EXPECT_EQ(set, exact);
    if (set.empty() || !seen.insert(set).second) continue;
    Element<N> element{*met, set, {}};
    for (unsigned x = 0; x < 1U << N; ++x) {
      if (set.has(x)) element.list.push_back(static_cast<std::uint8_t>(x));
    }
    out.push_back(std::move(element));
  }
  return out;
}

// All pairs when that is at most `most`, else a seeded draw of so many.
template <unsigned N, typename F>
void for_pairs(const std::vector<Element<N>>& all, std::size_t most, F each) {
  std::mt19937 random(7);
  const std::size_t pairs = all.size() * all.size();
  for (std::size_t i = 0; i < std::min(pairs, most); ++i) {
    const std::size_t pick = pairs <= most ? i : ((std::uint64_t{random()} << 32) | random()) % pairs;
    if (!each(all[pick / all.size()], all[pick % all.size()])) return;
  }
}

template <unsigned N>
unsigned low(unsigned x) {
  return x & ((1U << (N / 2)) - 1);
}

// What the tests share of a width: its elements, made once, and how many pairs of them are tried.
template <typename Width>
class ScalarOfWidth : public testing::Test {
 protected:
  static constexpr unsigned kBits = Width::value;
  // At 8 bits every pair costs up to 65,536 concrete ones.
  static constexpr std::size_t kPairs = kBits == 4 ? 25'000 : kBits == 6 ? 12'000 : 2'000;
  static const std::vector<Element<kBits>>& all() {
    static const auto made = elements<kBits>(kBits == 8 ? 1'000 : 3'000);
    return made;
  }
};

using Widths = testing::Types<std::integral_constant<unsigned, 4>, std::integral_constant<unsigned, 6>,
                              std::integral_constant<unsigned, 8>>;

// The concrete results of an operator for all pairs of N-bit numbers x, y, at x << N | y.
template <unsigned N>
std::vector<std::uint8_t> alu_table(vm::AluOp op, bool wide) {
  std::vector<std::uint8_t> table(std::size_t{1} << (2 * N));
  for (unsigned x = 0; x < 1U << N; ++x) {
    for (unsigned y = 0; y < 1U << N; ++y) {
      table[x << N | y] = static_cast<std::uint8_t>(wide ? alu(op, N, x, y) : alu(op, N / 2, low<N>(x), low<N>(y)));
    }
  }
  return table;
}

template <unsigned N>
Set results(const std::vector<std::uint8_t>& table, const Element<N>& a, const Element<N>& b) {
  Set exact;
  for (const unsigned x : a.list) {
    for (const unsigned y : b.list) exact.add(table[x << N | y]);
  }
  return exact;
}

}  // namespace sluice::verifier::small_width
