// The index beside an LPM trie: after any changes, look-ups of full length, which go by the index, find what a search
// through all prefixes finds. Keys crowd, so that tables are made, run out and become empty again.
#include <algorithm>
#include <array>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/vm/maps/cases.h"
#include "vm/maps/lpm_trie_view.h"

namespace sluice::vm::testing {
namespace {

struct Shape {
  std::uint32_t bytes;        // of data
  std::uint32_t max_entries;  // decides how many bits the first table is by, and how many tables there are
  std::uint32_t spread;       // values a byte takes
};
class LpmIndexed : public ::testing::TestWithParam<Shape> {
 protected:
  using Data = std::vector<std::uint8_t>;

  LpmIndexed() {
    const Shape& shape = GetParam();
    map_ = std::move(*make_map({.name = "trie",
                                .type = MapType::kLpmTrie,
                                .key_size = 4 + shape.bytes,
                                .value_size = 8,
                                .max_entries = shape.max_entries,
                                .flags = kMapNoPrealloc},
                               2));
  }
  Data draw() {
    Data data(GetParam().bytes);
    // The values lie all over a byte's range, so that a prefix covers some of them.
    for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(random_() % GetParam().spread * 0x9d);
    return data;
  }
  static void cut(Data& data, std::uint32_t bits) {
    for (std::uint32_t bit = bits; bit < data.size() * 8; ++bit) {
      data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] & ~(0x80U >> bit % 8));
    }
  }
  static std::vector<std::byte> key(const Data& data, std::uint32_t bits) {
    std::vector<std::byte> key(4 + data.size());
    std::memcpy(key.data(), &bits, 4);
    std::memcpy(key.data() + 4, data.data(), data.size());
    return key;
  }
  // 0 = none.
  std::uint64_t expected(const Data& data) {
    Data cut_one = data;
    for (std::uint32_t bits = static_cast<std::uint32_t>(data.size() * 8);; --bits) {
      cut(cut_one, bits);
      if (const auto at = all_.find({bits, cut_one}); at != all_.end()) return at->second;
      if (bits == 0) return 0;
    }
  }
  std::uint64_t found(const Data& data) {
    const auto k = key(data, static_cast<std::uint32_t>(data.size() * 8));
    const std::byte* const value = map_->lookup(k.data(), 0);
    std::uint64_t number = 0;
    if (value != nullptr) std::memcpy(&number, value, sizeof number);
    return number;
  }
  void put() {
    const auto bits = static_cast<std::uint32_t>(random_() % (GetParam().bytes * 8 + 1));
    Data data = draw();
    cut(data, bits);
    const std::uint64_t value = ++last_;
    const int result =
        map_->update(key(data, bits).data(), reinterpret_cast<const std::byte*>(&value), UpdateMode::kAny, 0);
    const bool full = all_.size() == GetParam().max_entries && !all_.contains({bits, data});
    ASSERT_EQ(result, full ? -ENOSPC : 0);
    if (!full) all_[{bits, data}] = value;
  }
  void drop() {
    if (all_.empty()) return;
    auto at = all_.lower_bound({static_cast<std::uint32_t>(random_() % (GetParam().bytes * 8 + 1)), draw()});
    if (at == all_.end()) at = all_.begin();
    ASSERT_EQ(map_->erase(key(at->first.second, at->first.first).data()), 0);
    all_.erase(at);
  }
  void check(unsigned times) {
    for (unsigned i = 0; i < times; ++i) {
      Data data = draw();
      if (i % 2 == 0) data[random_() % data.size()] = static_cast<std::uint8_t>(random_());
      ASSERT_EQ(found(data), expected(data)) << "with " << all_.size() << " prefixes";
    }
  }

  std::mt19937_64 random_{7};
  std::unique_ptr<Map> map_;
  std::map<std::pair<std::uint32_t, Data>, std::uint64_t> all_;
  std::uint64_t last_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Shapes, LpmIndexed,
                         ::testing::Values(Shape{1, 100, 256}, Shape{1, 70'000, 256}, Shape{2, 200, 6},
                                           Shape{2, 3000, 200}, Shape{3, 100'000, 4}, Shape{4, 100, 2},
                                           Shape{4, 5000, 7}, Shape{4, 70'000, 7}, Shape{4, 70'000, 256},
                                           Shape{5, 70'000, 3}, Shape{16, 200, 2}, Shape{16, 3000, 3},
                                           Shape{16, 70'000, 2}, Shape{33, 300, 2}),
                         [](const auto& test) {
                           return std::to_string(test.param.bytes) + "_bytes_" +
                                  std::to_string(test.param.max_entries) + "_entries_spread_" +
                                  std::to_string(test.param.spread);
                         });

TEST_P(LpmIndexed, FindsWhatASearchFindsWhilePrefixesComeAndGo) {
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned i = 0; i < 1500; ++i) {
      put();
      if (i % 3 == 0) drop();
      if (i % 10 == 0) check(20);
      if (HasFatalFailure()) return;
    }
    while (all_.size() > (round == 1 ? 0U : 20U)) {
      drop();
      if (all_.size() % 10 == 0) check(20);
      if (HasFatalFailure()) return;
    }
  }
}

// Tables that became empty are used again: otherwise the ways below stay walks of the trie, and later ones too.
TEST_P(LpmIndexed, IsEmptyWhenThePrefixesAreGone) {
  for (unsigned i = 0; i < 2000; ++i) put();
  while (!all_.empty()) drop();
  const auto& view = *static_cast<const LpmTrieView*>(map_->view());
  EXPECT_EQ(view.root, 0U);
  for (std::uint64_t i = 0; i < std::uint64_t{1} << view.first_bits; ++i) ASSERT_EQ(view.first[i], 0U) << i;
  for (const std::uint32_t bits : {8U, 16U}) {
    for (std::uint32_t i = 0; bits < view.first_bits && i < 1U << bits; ++i) {
      ASSERT_EQ(view.shorter[bits / 8 - 1][i], 0U) << i;
    }
  }
}

// Prefixes by hand, of IPv6: where an entry's prefix lies when longer ones are below it, and what becomes of it.
class LpmCovering : public ::testing::Test {
 protected:
  using Data = std::array<std::uint8_t, 16>;
  void make(std::uint32_t max_entries) {
    map_ = std::move(*make_map({.name = "trie",
                                .type = MapType::kLpmTrie,
                                .key_size = 4 + 16,
                                .value_size = 8,
                                .max_entries = max_entries,
                                .flags = kMapNoPrealloc},
                               1));
  }
  static std::array<std::byte, 20> key(const Data& data, std::uint32_t bits) {
    std::array<std::byte, 20> key{};
    std::memcpy(key.data(), &bits, 4);
    for (std::uint32_t i = 0; i < 16; ++i) {
      const std::uint32_t kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
      key[4 + i] = static_cast<std::byte>(data[i] & (0xff00U >> kept));
    }
    return key;
  }
  void put(const Data& data, std::uint32_t bits, std::uint64_t value) {
    ASSERT_EQ(map_->update(key(data, bits).data(), reinterpret_cast<const std::byte*>(&value), UpdateMode::kAny, 0), 0);
  }
  void drop(const Data& data, std::uint32_t bits) { ASSERT_EQ(map_->erase(key(data, bits).data()), 0); }
  std::uint64_t found(const Data& data) {
    const std::byte* const value = map_->lookup(key(data, 128).data(), 0);
    std::uint64_t number = 0;
    if (value != nullptr) std::memcpy(&number, value, sizeof number);
    return number;
  }
  [[nodiscard]] const LpmTrieView& view() const { return *static_cast<const LpmTrieView*>(map_->view()); }
  [[nodiscard]] LpmEntry first(const Data& data) const {
    return view().first[lpm_index_first(&view(), 16, data.data())];
  }

  static constexpr Data kBase = {0x20, 0x01, 0x0d, 0xb8};
  static constexpr Data kMiss = {0x20, 0x01, 0x0d, 0x77};  // in 2001:d00::/24, which is a place of `first`
  std::unique_ptr<Map> map_;
};

TEST_F(LpmCovering, ThePrefixAboveATableComesChangesAndGoes) {
  make(70'000);
  for (std::uint8_t i = 0; i < 8; ++i) put({0x20, 0x01, 0x0d, static_cast<std::uint8_t>(0xb0 + i), i}, 40, 100U + i);
  ASSERT_EQ(first(kBase) & kLpmTable, kLpmTable);
  EXPECT_EQ(found(kMiss), 0U);
  put(kBase, 24, 1);
  EXPECT_EQ(found(kMiss), 1U);
  put(kBase, 24, 2);  // another node with the same prefix
  EXPECT_EQ(found(kMiss), 2U);
  put(kBase, 20, 3);  // shorter, of the same level: only where there is no longer one
  EXPECT_EQ(found(kMiss), 2U);
  EXPECT_EQ(found({0x20, 0x01, 0x0e}), 3U);
  put(kBase, 12, 4);  // of the level above
  drop(kBase, 24);
  EXPECT_EQ(found(kMiss), 3U);
  drop(kBase, 20);
  EXPECT_EQ(found(kMiss), 4U);
  EXPECT_EQ(found({0x20, 0x01, 0x0d, 0xb3, 3}), 103U);
  drop(kBase, 12);
  EXPECT_EQ(found(kMiss), 0U);
  // An entry whose table goes keeps its prefix.
  put(kBase, 22, 5);
  for (std::uint8_t i = 0; i < 8; ++i) drop({0x20, 0x01, 0x0d, static_cast<std::uint8_t>(0xb0 + i), i}, 40);
  EXPECT_EQ(first(kBase) & (kLpmTable | kLpmWalk), 0U);
  EXPECT_EQ(found(kMiss), 5U);
}

TEST_F(LpmCovering, ThePrefixBesideAWalkComesChangesAndGoes) {
  make(70'000);
  put(kBase, 48, 10);
  ASSERT_EQ(first(kBase) & (kLpmTable | kLpmWalk), kLpmWalk);
  EXPECT_EQ(found(kBase), 10U);
  EXPECT_EQ(found(kMiss), 0U);
  put(kBase, 20, 1);
  EXPECT_EQ(found(kMiss), 1U);
  put(kBase, 22, 2);
  EXPECT_EQ(found(kMiss), 2U);
  put(kBase, 48, 11);  // the walk starts at another node
  EXPECT_EQ(found(kBase), 11U);
  EXPECT_EQ(found(kMiss), 2U);
  put(kBase, 40, 12);  // above the start
  EXPECT_EQ(found(kMiss), 2U);
  EXPECT_EQ(found({0x20, 0x01, 0x0d, 0xb8, 0, 9}), 12U);
  drop(kBase, 22);
  EXPECT_EQ(found(kMiss), 1U);
  drop(kBase, 48);
  drop(kBase, 40);
  EXPECT_EQ(first(kBase) & (kLpmTable | kLpmWalk), 0U);
  EXPECT_EQ(found(kMiss), 1U);
  EXPECT_EQ(found(kBase), 1U);
}

// A prefix of each length on one way down; whatever goes, the next shorter one is found.
TEST_F(LpmCovering, EachOfAHundredAndTwentyNineNestedPrefixesIsFound) {
  for (const std::uint32_t max_entries : {200U, 3000U, 70'000U}) {
    make(max_entries);
    std::mt19937 random{max_entries};
    std::vector<std::uint32_t> order;
    for (std::uint32_t bits = 0; bits <= 128; ++bits) order.push_back(bits);
    std::vector<bool> there(129);
    const auto check = [&] {
      for (std::uint32_t off = 0; off <= 128; ++off) {
        Data data = kBase;
        if (off < 128) data[off / 8] = static_cast<std::uint8_t>(data[off / 8] ^ (0x80U >> off % 8));
        std::uint32_t longest = off;
        while (longest != 0 && !there[longest]) --longest;
        ASSERT_EQ(found(data), there[longest] ? longest + 1 : 0U) << "leaves at bit " << off;
      }
    };
    for (const bool comes : {true, false, true}) {
      std::ranges::shuffle(order, random);
      for (const std::uint32_t bits : order) {
        comes ? put(kBase, bits, bits + 1) : drop(kBase, bits);
        there[bits] = comes;
        check();
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::vm::testing
