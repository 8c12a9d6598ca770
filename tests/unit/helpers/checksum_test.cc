#include <random>

#include "tests/unit/helpers/support.h"

namespace sluice::helpers::testing {
namespace {

class CsumDiff : public HelperTest {
 protected:
  using Words = std::vector<std::uint32_t>;
  static const std::uint32_t* at(const Words& words) { return words.empty() ? nullptr : words.data(); }
  static std::int64_t bytes(const Words& words) { return static_cast<std::int64_t>(words.size() * 4); }
  std::int64_t diff(const Words& from, const Words& to, std::uint64_t seed) {
    return call(at(from), bytes(from), at(to), bytes(to), static_cast<std::int64_t>(seed));
  }
  // RFC 1071 straight from its text, on 16-bit numbers: the sum modulo 0xffff, 0 only when all is 0.
  static std::uint64_t sum(const Words& words) {
    std::uint64_t total = 0;
    for (const std::uint32_t word : words) total += (word & 0xffff) + (word >> 16);
    return total;
  }
  static std::uint64_t folded(std::uint64_t total) { return total == 0 ? 0 : (total - 1) % 0xffff + 1; }
  static std::uint64_t halves(std::uint32_t number) { return (number & 0xffff) + (number >> 16); }
};

TEST_F(CsumDiff, OfNothingIsTheFoldedSeed) {
  EXPECT_EQ(diff({}, {}, 0), 0);
  EXPECT_EQ(diff({}, {}, 0x1234), 0x1234);
  EXPECT_EQ(diff({}, {}, 0x00010002), 3);
  EXPECT_EQ(diff({}, {}, 0xffffffff), 0xffff);
  EXPECT_EQ(diff({}, {}, 0xffff0001), 1);
  EXPECT_EQ(diff({}, {}, 0xdead'0000'0005), 5) << "the seed has 32 bits";
}

TEST_F(CsumDiff, PushesWhatIsAdded) {
  EXPECT_EQ(diff({}, {0x00010002}, 0), 3);
  EXPECT_EQ(diff({}, {0xffffffff, 1}, 0), 1);
  EXPECT_EQ(diff({}, {0xffffffff, 0xffffffff, 2}, 0xffffffff), 2);
  EXPECT_EQ(diff({}, {0, 0}, 0), 0);
}

TEST_F(CsumDiff, PullsWhatIsTakenAway) {
  EXPECT_EQ(diff({3}, {}, 10), 7);
  EXPECT_EQ(diff({3}, {}, 3), 0);
  EXPECT_EQ(diff({0}, {}, 0), 0);
  EXPECT_EQ(diff({5, 6}, {}, 0x10000), 0xffff - 10);
}

TEST_F(CsumDiff, ExchangesOneForTheOther) {
  EXPECT_EQ(diff({3}, {10}, 0), 7);
  EXPECT_EQ(diff({3, 4}, {10}, 5), 8);
  EXPECT_EQ(diff({10}, {3}, 0), 0xffff - 7);
  EXPECT_EQ(diff({7}, {7}, 0), 0xffff) << "minus zero";
  EXPECT_EQ(diff({0}, {0}, 0), 0xffff);
}

TEST_F(CsumDiff, IsOnesComplementArithmeticForAllSizes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    Words from(random() % 20);
    Words to(random() % 20);
    for (std::uint32_t& word : from) word = random() % 4 == 0 ? 0xffffffff : random();
    for (std::uint32_t& word : to) word = random() % 4 == 0 ? 0xffffffff : random();
    const std::uint32_t seed = random() % 3 == 0 ? 0 : random();
    // a - b is a + (0xffff - b mod 0xffff): equal modulo 0xffff
    const std::uint64_t expected = sum(to) + halves(seed) + 0xffff - folded(sum(from));
    const std::int64_t result = diff(from, to, seed);
    ASSERT_GE(result, 0);
    ASSERT_LE(result, 0xffff);
    EXPECT_EQ(static_cast<std::uint64_t>(result) % 0xffff, expected % 0xffff) << from.size() << ' ' << to.size();
  }
}

// Copies of just their size: nothing behind them is read.
TEST_F(CsumDiff, TheLastWordIsFilledUpWithZeroes) {
  const std::array<std::uint8_t, 7> all{1, 2, 3, 4, 5, 6, 7};
  constexpr std::int64_t kSums[] = {0, 0x0001, 0x0201, 0x0204, 0x0604, 0x0609, 0x0c09, 0x0c10};
  for (std::size_t size = 1; size <= all.size(); ++size) {
    const std::vector<std::uint8_t> bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
    const auto count = static_cast<std::int64_t>(size);
    EXPECT_EQ(call(nullptr, 0, bytes.data(), count, 0), kSums[size]) << size;
    EXPECT_EQ(call(bytes.data(), count, nullptr, 0, 0x2000), 0x2000 - kSums[size]) << size;
    EXPECT_EQ(call(all.data(), 1, bytes.data(), count, 1), kSums[size]) << size;
  }
}

TEST_F(CsumDiff, MemoryNeedNotBeAligned) {
  std::array<std::uint8_t, 9> bytes{9, 1, 0, 0, 0, 2, 0, 0, 0};
  EXPECT_EQ(call(nullptr, 0, bytes.data() + 1, 8, 0), 3);
}

// A frame of 9216 bytes of ones and more: carries of thousands of words are kept.
TEST_F(CsumDiff, KeepsEveryCarry) {
  const Words ones(128, 0xffffffff);
  Words many(16384, 0xffffffff);
  many.push_back(5);
  EXPECT_EQ(diff({}, many, 0), 5);
  EXPECT_EQ(diff(ones, many, 0), 5);
}

}  // namespace
}  // namespace sluice::helpers::testing
