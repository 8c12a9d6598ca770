// What LRU maps promise beyond the shared contract.
#include <cerrno>

#include <gtest/gtest.h>

#include "tests/unit/vm/maps/types.h"
#include "vm/maps/hash_function.h"

namespace sluice::vm::testing {
namespace {

// Kinds of LRU maps, for what they share.
class Lru : public ::testing::TestWithParam<MapSpec> {
 protected:
  std::unique_ptr<Map> sized(std::uint32_t max_entries, unsigned cpus = 2) {
    MapSpec spec = GetParam();
    spec.max_entries = max_entries;
    return make(spec, cpus);
  }
  // Elements that next_key and look-ups agree on.
  static std::size_t size(Map& map) {
    const std::vector<Bytes> keys = walk(map);
    Bytes out(map.transfer_size());
    for (const Bytes& key : keys) EXPECT_EQ(map.read(key.data(), out.data()), 0);
    return keys.size();
  }
};

TEST_P(Lru, HoldsExactlyMaxEntriesAndNeverRefusesAKey) {
  for (const std::uint32_t most : {1U, 2U, 7U, 64U, 1000U}) {
    const auto map = sized(most);
    const std::uint32_t room = map->spec().max_entries;
    for (std::uint32_t key = 0; key < 10 * room; ++key) {
      ASSERT_EQ(update(*map, key, std::uint64_t{key}), 0);
      ASSERT_EQ(*lookup(*map, key), key);
      if (key + 1 != room) continue;
      ASSERT_EQ(size(*map), room);  // nothing went before the map was full
    }
    EXPECT_EQ(size(*map), room);
  }
}

TEST_P(Lru, ElementsInUseSurviveAFloodOfKeysSeenOnce) {
  constexpr std::uint32_t kHot = 150;
  const auto map = sized(300);
  for (std::uint32_t key = 0; key < kHot; ++key) ASSERT_EQ(update(*map, key, std::uint64_t{key}), 0);
  for (std::uint32_t flood = 1000; flood < 20'000; flood += 100) {
    for (std::uint32_t key = 0; key < kHot; ++key) ASSERT_NE(lookup(*map, key), nullptr) << "flood " << flood;
    for (std::uint32_t key = flood; key < flood + 100; ++key) ASSERT_EQ(update(*map, key, std::uint64_t{0}), 0);
  }
  EXPECT_EQ(size(*map), 300U);
}

TEST_P(Lru, AnUpdateOfAnExistingKeyIsUse) {
  const auto map = sized(100);
  ASSERT_EQ(update(*map, 7U, std::uint64_t{0}), 0);
  for (std::uint32_t flood = 1000; flood < 10'000; ++flood) {
    if (flood % 50 == 0) {
      ASSERT_EQ(update(*map, 7U, std::uint64_t{flood}, UpdateMode::kExist), 0) << flood;
    }
    ASSERT_EQ(update(*map, flood, std::uint64_t{0}), 0);
  }
}

// What the control path reads is no use: dumping a map must not keep its contents.
TEST_P(Lru, ReadingByTheControlPathIsNoUse) {
  const auto map = sized(100);
  for (std::uint32_t key = 0; key < 100; ++key) ASSERT_EQ(update(*map, key, std::uint64_t{0}), 0);
  for (std::uint32_t flood = 1000; flood < 1100; ++flood) {
    EXPECT_LE(size(*map), 100U);
    ASSERT_EQ(update(*map, flood, std::uint64_t{0}), 0);
  }
  for (std::uint32_t key = 0; key < 100; ++key) EXPECT_EQ(lookup(*map, key), nullptr);
}

TEST_P(Lru, AMapWhoseElementsAreAllInUseStillTakesNewKeys) {
  const auto map = sized(5000);
  for (std::uint32_t key = 0; key < 5000; ++key) ASSERT_EQ(update(*map, key, std::uint64_t{0}), 0);
  for (std::uint32_t fresh = 10'000; fresh < 10'100; ++fresh) {
    for (std::uint32_t key = 0; key < 5000; ++key) lookup(*map, key);
    ASSERT_EQ(update(*map, fresh, std::uint64_t{0}), 0);
  }
  EXPECT_EQ(size(*map), 5000U);
}

TEST_P(Lru, DeletedElementsMakeRoom) {
  const auto map = sized(64);
  const std::uint32_t room = map->spec().max_entries;
  for (std::uint32_t key = 0; key < room; ++key) ASSERT_EQ(update(*map, key, std::uint64_t{0}), 0);
  for (std::uint32_t round = 0; round < 20; ++round) {
    for (std::uint32_t key = 0; key < room; key += 2) ASSERT_EQ(map->erase(at(&key)), 0);
    for (std::uint32_t key = 0; key < room; key += 2) ASSERT_EQ(update(*map, key, std::uint64_t{round}), 0);
    for (std::uint32_t key = 0; key < room; ++key) ASSERT_NE(lookup(*map, key), nullptr) << key;
  }
}

// Keys of one chain of many buckets: the victim is found in every place of it.
TEST_P(Lru, EvictsFromLongChains) {
  MapSpec spec = GetParam();
  spec.key_size = 8;
  spec.max_entries = 64;
  spec.flags |= kMapZeroSeed;
  const auto map = make(spec, 2);
  std::vector<std::uint64_t> keys;
  for (std::uint64_t key = 0; keys.size() < 400; ++key) {
    if ((hash_software(raw(&key), 8, 0) & 0xf) == 3) keys.push_back(key);
  }
  for (const std::uint64_t key : keys) {
    ASSERT_EQ(update(*map, key, ~key), 0);
    ASSERT_EQ(*lookup(*map, key), ~key);
  }
  EXPECT_EQ(size(*map), 64U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Lru,
                         ::testing::Values(spec_of(MapType::kLruHash, 4, 8, 0),
                                           spec_of(MapType::kLruHash, 4, 8, 0, kMapNoCommonLru),
                                           spec_of(MapType::kLruPercpuHash, 4, 8, 0)),
                         [](const auto& test) {
                           return std::string(map_type_name(test.param.type)) + (test.param.flags != 0 ? "_apart" : "");
                         });

TEST(LruHash, ASharePerCpuIsRoundedUpAsInTheKernel) {
  EXPECT_EQ(make(spec_of(MapType::kLruHash, 4, 8, 7, kMapNoCommonLru), 4)->spec().max_entries, 8U);
  EXPECT_EQ(make(spec_of(MapType::kLruHash, 4, 8, 8, kMapNoCommonLru), 4)->spec().max_entries, 8U);
  EXPECT_EQ(make(spec_of(MapType::kLruHash, 4, 8, 7), 4)->spec().max_entries, 7U);
}

TEST(LruHash, SaysWhyAFlagIsRefused) {
  EXPECT_EQ(refusal(spec_of(MapType::kLruHash, 4, 4, 1, kMapNoPrealloc)),
            "map 'm' (lru_hash): flags 0x1 are not supported for this type");
  EXPECT_EQ(refusal(spec_of(MapType::kLruHash, 4, 4, 1, kMapNoCommonLru | kMapNumaNode)),
            "map 'm' (lru_hash): flags 0x6 exclude each other");
}

}  // namespace
}  // namespace sluice::vm::testing
