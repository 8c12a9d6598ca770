// Look-ups in an LPM trie by its index while a writer makes tables come and go: what covers a key all the time is found
// all the time, and what is longer only where it matches.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/vm/maps/cases.h"
#include "vm/maps/lpm_ipv6_view.h"
#include "vm/maps/lpm_trie_view.h"

namespace sluice::vm::testing {
namespace {

struct Key {
  std::uint32_t bits = 0;
  std::array<std::uint8_t, 16> data{};
};

// One way down through several tables, its prefixes by length; with the value they have: their length.
constexpr std::uint32_t kLengths[] = {36, 48, 64, 128};
// Where the keys that are asked for leave the way; 128 = nowhere.
constexpr std::uint32_t kLeave[] = {9, 17, 33, 50, 128};

class LpmUnderAWriter : public ::testing::Test {
 protected:
  LpmUnderAWriter() {
    map_ = std::move(*make_map({.name = "trie",
                                .type = MapType::kLpmTrie,
                                .key_size = sizeof(Key),
                                .value_size = 8,
                                .max_entries = 100,
                                .flags = kMapNoPrealloc},
                               1));
    put(kAlways);
  }
  static Key on_the_way(std::uint32_t bits) {
    Key key{.bits = bits};
    for (std::uint32_t bit = 0; bit < bits; bit += 8) {
      const std::uint32_t kept = std::min(bits - bit, 8U);
      key.data[bit / 8] = static_cast<std::uint8_t>(0xa5 & (0xff00U >> kept));
    }
    return key;
  }
  // All bits, of which the first that is not on the way is number `off`; 128 = none.
  static Key leaves_at(std::uint32_t off) {
    Key key = on_the_way(128);
    if (off < 128) key.data[off / 8] = static_cast<std::uint8_t>(key.data[off / 8] ^ (0x80U >> off % 8));
    return key;
  }
  void put(std::uint32_t bits) {
    const Key key = on_the_way(bits);
    const std::uint64_t value = bits;
    EXPECT_EQ(map_->update(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(&value),
                           UpdateMode::kAny, 0),
              0);
  }
  void drop(std::uint32_t bits) {
    const Key key = on_the_way(bits);
    EXPECT_EQ(map_->erase(reinterpret_cast<const std::byte*>(&key)), 0);
  }
  // Prefixes come from long to short and from short to long, so that starts of walks become starts in other tables.
  void write(unsigned rounds) {
    for (unsigned round = 0; round < rounds; ++round) {
      const bool upwards = round % 4 == 0;
      const auto at = [&](std::size_t i) { return kLengths[upwards ? i : std::size(kLengths) - 1 - i]; };
      for (std::size_t i = 0; i < std::size(kLengths); ++i) put(at(i));
      for (std::size_t i = 0; i < std::size(kLengths); ++i) drop(at(round % 3 == 0 ? i : std::size(kLengths) - 1 - i));
    }
    done_ = true;
  }
  void expect_what_may_be(std::uint32_t off, std::uint64_t found) {
    const bool known = found == kAlways || std::ranges::find(kLengths, found) != std::end(kLengths);
    if (!known || found > off) {
      ++faults_;
      if (faults_ < 4) ADD_FAILURE() << "a key that leaves the way at bit " << off << " finds " << found;
    }
  }

  static constexpr std::uint32_t kAlways = 7;
  std::unique_ptr<Map> map_;
  std::atomic<bool> done_{false};
  std::atomic<unsigned> faults_{0};
  std::atomic<std::uint64_t> reads_{0}, answers_{0};
};

TEST_F(LpmUnderAWriter, WhatCoversAKeyIsAlwaysFound) {
  std::thread writer([this] { write(15'000); });
  std::thread reader([this] {
    for (std::size_t i = 0; !done_ && faults_ == 0; ++i) {
      const std::uint32_t off = kLeave[i % std::size(kLeave)];
      const Key key = leaves_at(off);
      std::uint64_t found = 0;
      if (map_->read(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<std::byte*>(&found)) != 0) found = 0;
      expect_what_may_be(off, found);
      ++reads_;
    }
  });
  std::thread quick([this] {  // as generated code looks up
    const auto& view = *static_cast<const LpmTrieView*>(map_->view());
    for (std::size_t i = 0; !done_ && faults_ == 0; ++i) {
      const std::uint32_t off = kLeave[i % std::size(kLeave)];
      const Key key = leaves_at(off);
      const std::uint32_t before = __atomic_load_n(&view.sequence, __ATOMIC_ACQUIRE);
      const std::uint64_t head = __builtin_bswap64(key_word_at(key.data.data()));
      const std::uint32_t node = i / std::size(kLeave) % 2 == 0 ? lpm_index_quick(&view, 16, key.data.data())
                                                                : lpm_ipv6_quick(&view, view.first_bits, head);
      if (node == 0) continue;
      const std::uint32_t bits = lpm_trie_bits(lpm_trie_node(&view, node));
      if (__atomic_load_n(&view.sequence, __ATOMIC_RELAXED) != before) continue;
      expect_what_may_be(off, bits);
      ++answers_;
    }
  });
  writer.join();
  reader.join();
  quick.join();
  EXPECT_EQ(faults_, 0U);
  EXPECT_GT(reads_, 1000U);
  EXPECT_GT(answers_, 1000U);
}

}  // namespace
}  // namespace sluice::vm::testing
