// What single map types promise beyond the shared contract; lru_test.cc and references_test.cc have more of them.
#include <algorithm>
#include <array>
#include <cerrno>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/unit/vm/maps/types.h"
#include "vm/maps/array_view.h"
#include "vm/maps/hash_function.h"
#include "vm/maps/hash_view.h"
#include "vm/maps/percpu_array_view.h"

namespace sluice::vm::testing {
namespace {

TEST(MakeMap, SaysWhatIsWrongWithASpec) {
  EXPECT_EQ(refusal(spec_of(MapType::kArray, 8, 4, 1)), "map 'm' (array): key is 8 bytes, expected 4");
  EXPECT_EQ(refusal(spec_of(MapType::kHash, 4, 4, 0)), "map 'm' (hash): max_entries is 0, expected 1 or more");
  EXPECT_EQ(refusal(spec_of(MapType::kLpmTrie, 8, 4, 1)), "map 'm' (lpm_trie): flags 0x1 are required for this type");
  EXPECT_EQ(refusal(spec_of(MapType::kArray, 4, 4, 1, 1)), "map 'm' (array): flags 0x1 are not allowed for this type");
  EXPECT_EQ(refusal(spec_of(MapType::kArray, 4, 4, 1, kMapReadOnlyProg | kMapWriteOnlyProg)),
            "map 'm' (array): flags are read-only and write-only at once");
  EXPECT_EQ(refusal(spec_of(MapType::kDevmap, 4, 6, 1)),
            "map 'm' (devmap): value is 6 bytes, expected a multiple of 4");
  EXPECT_EQ(refusal(spec_of(MapType::kHash, 4, 4, 0x80000001)),
            "map 'm' (hash): max_entries is 2147483649, expected at most 2147483648");
  EXPECT_EQ(refusal(spec_of(MapType::kHash, 4194000, 4000, 1)),
            "map 'm' (hash): key and value are 4198000 bytes, expected at most 4194255");
  EXPECT_EQ(refusal(spec_of(static_cast<MapType>(18), 4, 4, 4)), "map 'm': map type sockhash is not supported");
  EXPECT_EQ(refusal(spec_of(MapType::kRingbuf, 0, 0, 5000)),
            "map 'm' (ringbuf): max_entries is 5000, expected a power of two of at least 4096");
  EXPECT_EQ(refusal(spec_of(static_cast<MapType>(77), 4, 4, 1)), "map 'm': unknown map type 77");
  EXPECT_EQ(refusal(spec_of(MapType::kArray, 4, 4, 1), 0), "map 'm': expected at least one CPU");
}

TEST(MakeMap, AddressSpaceThatCannotBeHadIsAnError) {
  for (const MapType type : {MapType::kArray, MapType::kHash}) {
    EXPECT_NE(refusal(spec_of(type, 4, 1U << 21, 1U << 31)).find("cannot reserve"), std::string::npos);
  }
  EXPECT_NE(refusal(spec_of(MapType::kLpmTrie, 8, 8, 1U << 31, kMapNoPrealloc)).find("more prefixes"),
            std::string::npos);
  EXPECT_NE(refusal(spec_of(MapType::kLpmTrie, 8, 1U << 21, 1U << 28, kMapNoPrealloc)).find("cannot reserve"),
            std::string::npos);
  EXPECT_NE(refusal(spec_of(MapType::kLpmTrie, 8, 8, 1U << 29, kMapNoPrealloc)).find("30-bit node numbers"),
            std::string::npos);
  EXPECT_NE(refusal(spec_of(MapType::kPercpuArray, 4, 32768, 0xffffffff), 4096).find("cannot reserve"),
            std::string::npos);
}

TEST(MapTypeName, IsWhatBpftoolWrites) {
  EXPECT_EQ(map_type_name(MapType::kHash), "hash");
  EXPECT_EQ(map_type_name(MapType::kLpmTrie), "lpm_trie");
  EXPECT_EQ(map_type_name(MapType::kDevmapHash), "devmap_hash");
  EXPECT_EQ(map_type_name(MapType::kBloomFilter), "bloom_filter");
  EXPECT_EQ(map_type_name(static_cast<MapType>(0)), "");
  EXPECT_EQ(map_type_name(static_cast<MapType>(34)), "");
}

TEST(HashFunction, IsTheSameInSoftwareAndHardwareForAllSeeds) {
  Random random(1);
  std::array<std::uint8_t, 64> key{};
  for (std::uint32_t size = 1; size <= key.size(); ++size) {
    for (std::uint8_t& byte : key) byte = static_cast<std::uint8_t>(random());
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0xffffffff},
                                     std::uint64_t{1} << 32, ~std::uint64_t{0}, random(), random()}) {
      EXPECT_EQ(hash_software(key.data(), size, seed), fastest_hash()(key.data(), size, seed)) << size << ' ' << seed;
    }
  }
}

// The word that hash_mix turns into `mixed`.
std::uint64_t unmix(std::uint64_t mixed, std::uint64_t seed) {
  const std::uint64_t product = mixed ^ (mixed >> 32);
  std::uint64_t inverse = seed | 1;  // of an odd number, by Newton's method: the right bits double each time
  for (int i = 0; i < 6; ++i) inverse *= 2 - (seed | 1) * inverse;
  return (product * inverse) ^ seed;
}

// The examples of RFC 3720, appendix B.4, whose CRC starts with all ones and is inverted at the end. A seed of
// 0xffffffff starts the same way; the keys are such that their mixed words are the examples.
TEST(HashFunction, IsCrc32c) {
  constexpr std::uint64_t kSeed = 0xffffffff;
  struct Example {
    std::uint8_t first;
    int step;
    std::uint32_t crc;
  };
  for (const Example& example :
       {Example{0x00, 0, 0x8a9136aa}, {0xff, 0, 0x62a8ab43}, {0x00, 1, 0x46dd794e}, {0x1f, -1, 0x113fdb5c}}) {
    std::array<std::uint8_t, 32> data{};
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] = static_cast<std::uint8_t>(example.first + example.step * static_cast<int>(i));
    }
    std::array<std::uint64_t, 4> key{};
    std::memcpy(key.data(), data.data(), data.size());
    for (std::uint64_t& word : key) {
      const std::uint64_t wanted = word;
      word = unmix(wanted, kSeed);
      ASSERT_EQ(hash_mix(word, kSeed), wanted);
    }
    EXPECT_EQ(~hash_software(raw(key.data()), 32, kSeed), example.crc);
    EXPECT_EQ(~fastest_hash()(raw(key.data()), 32, kSeed), example.crc);
  }
}

// Seeds that differ give other numbers to nearly all keys. (0 and 1 do not: both leave words as they are but for the
// XOR, which the CRC's own start takes back. A map draws its seed from 2^64.)
TEST(HashFunction, DependsOnTheSeed) {
  Random random(2);
  int equal = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::uint64_t key = random();
    equal += hash_software(raw(&key), 8, random()) == hash_software(raw(&key), 8, random()) ? 1 : 0;
  }
  EXPECT_LE(equal, 1);
}

TEST(Views, LookUpWhatTheMapDoes) {
  std::uint64_t value = 42;
  std::uint32_t key = 3;
  const auto array = make(spec_of(MapType::kArray, 4, 8, 8));
  ASSERT_EQ(update(*array, key, value), 0);
  const auto* const array_view = static_cast<const ArrayView*>(array->view());
  EXPECT_EQ(array_view_lookup(array_view, key), raw(lookup(*array, key)));
  EXPECT_EQ(array_view_lookup(array_view, 8), nullptr);

  const auto percpu = make(spec_of(MapType::kPercpuArray, 4, 8, 8));
  const auto* const percpu_view = static_cast<const PercpuArrayView*>(percpu->view());
  EXPECT_EQ(percpu_array_view_lookup(percpu_view, key, 1), raw(lookup(*percpu, key, 1)));
  EXPECT_EQ(percpu_array_view_lookup(percpu_view, 8, 1), nullptr);

  const auto hash = make(spec_of(MapType::kHash, 4, 8, 8));
  ASSERT_EQ(update(*hash, key, value), 0);
  EXPECT_EQ(hash_view_lookup(static_cast<const HashView*>(hash->view()), raw(&key)), raw(lookup(*hash, key)));

  const auto percpu_hash = make(spec_of(MapType::kPercpuHash, 4, 8, 8));
  ASSERT_EQ(update(*percpu_hash, key, value), 0);
  EXPECT_EQ(hash_view_percpu_lookup(static_cast<const HashView*>(percpu_hash->view()), raw(&key), 1),
            raw(lookup(*percpu_hash, key, 1)));
}

TEST(PercpuArray, SlotsOfTwoCpusAreACacheLineApart) {
  const auto map = make(spec_of(MapType::kPercpuArray, 4, 8, 3), 4);
  for (unsigned cpu = 0; cpu < 4; ++cpu) {  // and one more for runs of the control thread
    EXPECT_GE(reinterpret_cast<std::uintptr_t>(lookup(*map, 0U, cpu + 1)),
              reinterpret_cast<std::uintptr_t>(lookup(*map, 2U, cpu)) + 64);
  }
}

TEST(PercpuArray, AnUpdateByAProgramTouchesItsOwnCpuOnly) {
  const auto map = make(spec_of(MapType::kPercpuArray, 4, 8, 3), 3);
  ASSERT_EQ(update(*map, 1U, std::uint64_t{7}, UpdateMode::kAny, 1), 0);
  EXPECT_EQ(*lookup(*map, 1U, 0), 0U);
  EXPECT_EQ(*lookup(*map, 1U, 1), 7U);
  EXPECT_EQ(*lookup(*map, 1U, 2), 0U);
}

TEST(Hash, IsFullAtExactlyMaxEntries) {
  for (const std::uint32_t most : {1U, 7U, 8U, 9U, 1000U}) {
    const auto map = make(spec_of(MapType::kHash, 4, 8, most));
    for (std::uint32_t key = 0; key < most; ++key) ASSERT_EQ(update(*map, key, std::uint64_t{key}), 0);
    EXPECT_EQ(update(*map, most, std::uint64_t{0}), -E2BIG);
    EXPECT_EQ(update(*map, 0U, std::uint64_t{5}), 0);  // an existing key needs no room
    const std::uint32_t gone = most - 1;
    ASSERT_EQ(map->erase(at(&gone)), 0);
    EXPECT_EQ(update(*map, most, std::uint64_t{0}), 0);
    EXPECT_EQ(update(*map, most + 1, std::uint64_t{0}), -E2BIG);
  }
}

TEST(Hash, AnUpdatePublishesANewElementAndAHeldPointerKeepsTheOldBytes) {
  const auto map = make(spec_of(MapType::kHash, 4, 8, 4));
  ASSERT_EQ(update(*map, 1U, std::uint64_t{10}), 0);
  const std::uint64_t* const held = lookup(*map, 1U);
  ASSERT_EQ(update(*map, 1U, std::uint64_t{11}), 0);
  EXPECT_NE(lookup(*map, 1U), held);
  EXPECT_EQ(*held, 10U);
  EXPECT_EQ(*lookup(*map, 1U), 11U);
}

TEST(Hash, ElementsNeverMoveWhileOthersComeAndGo) {
  const auto map = make(spec_of(MapType::kHash, 4, 8, 200));
  std::array<std::uint64_t*, 50> held{};
  for (std::uint32_t key = 0; key < held.size(); ++key) {
    ASSERT_EQ(update(*map, key, std::uint64_t{key}), 0);
    held[key] = lookup(*map, key);
  }
  for (std::uint32_t key = 1000; key < 20'000; ++key) {
    ASSERT_EQ(update(*map, key, std::uint64_t{key}), 0);
    if (key >= 1100) {
      const std::uint32_t old = key - 100;
      ASSERT_EQ(map->erase(at(&old)), 0);
    }
  }
  for (std::uint32_t key = 0; key < held.size(); ++key) {
    EXPECT_EQ(lookup(*map, key), held[key]);
    EXPECT_EQ(*held[key], key);
  }
}

// Keys of one chain: without a seed their hashes can be computed.
TEST(Hash, AChainOfManyBucketsGrowsAndShrinks) {
  const auto map = make(spec_of(MapType::kHash, 8, 8, 100, kMapZeroSeed));
  std::vector<std::uint64_t> keys;
  for (std::uint64_t key = 0; keys.size() < 100; ++key) {
    if ((hash_software(raw(&key), 8, 0) & 0x1f) == 3) keys.push_back(key);
  }
  Random random(1);
  for (int round = 0; round < 5; ++round) {
    for (const std::uint64_t key : keys) ASSERT_EQ(update(*map, key, ~key), 0);
    EXPECT_EQ(walk(*map).size(), keys.size());
    std::ranges::shuffle(keys, random);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(map->erase(at(&keys[i])), 0);
      EXPECT_EQ(lookup(*map, keys[i]), nullptr);
      for (std::size_t j = i + 1; j < keys.size(); ++j) ASSERT_EQ(*lookup(*map, keys[j]), ~keys[j]);
    }
  }
}

TEST(Hash, TheOrderOfKeysIsTheSameInEveryRunWithoutASeed) {
  const auto one = make(spec_of(MapType::kHash, 4, 8, 100, kMapZeroSeed));
  const auto other = make(spec_of(MapType::kHash, 4, 8, 100, kMapZeroSeed));
  for (std::uint32_t key = 0; key < 100; ++key) {
    ASSERT_EQ(update(*one, key, std::uint64_t{0}), 0);
    ASSERT_EQ(update(*other, key, std::uint64_t{0}), 0);
  }
  EXPECT_EQ(walk(*one), walk(*other));
}

TEST(PercpuHash, ANewElementIsZeroOnTheOtherCpus) {
  const auto map = make(spec_of(MapType::kPercpuHash, 4, 8, 1), 3);
  for (std::uint32_t key = 0; key < 600; ++key) {  // the elements are used again and again
    ASSERT_EQ(update(*map, key, ~std::uint64_t{0}, UpdateMode::kAny, key % 3), 0);
    for (unsigned cpu = 0; cpu < 3; ++cpu) EXPECT_EQ(*lookup(*map, key, cpu), cpu == key % 3 ? ~std::uint64_t{0} : 0);
    ASSERT_EQ(map->erase(at(&key)), 0);
  }
}

TEST(PercpuHash, AnExistingElementChangesInPlace) {
  const auto map = make(spec_of(MapType::kPercpuHash, 4, 8, 4), 2);
  ASSERT_EQ(update(*map, 1U, std::uint64_t{5}, UpdateMode::kAny, 0), 0);
  const std::uint64_t* const held = lookup(*map, 1U, 1);
  ASSERT_EQ(update(*map, 1U, std::uint64_t{6}, UpdateMode::kExist, 1), 0);
  EXPECT_EQ(*held, 6U);
  EXPECT_EQ(*lookup(*map, 1U, 0), 5U);
}

struct Route {
  std::uint32_t bits;
  std::array<std::uint8_t, 4> address;
};

TEST(LpmTrie, FindsTheLongestPrefix) {
  const auto map = make(spec_of(MapType::kLpmTrie, 8, 8, 10, kMapNoPrealloc));
  ASSERT_EQ(update(*map, Route{0, {0, 0, 0, 0}}, std::uint64_t{1}), 0);
  ASSERT_EQ(update(*map, Route{8, {10, 0, 0, 0}}, std::uint64_t{2}), 0);
  ASSERT_EQ(update(*map, Route{24, {10, 1, 2, 0}}, std::uint64_t{3}), 0);
  ASSERT_EQ(update(*map, Route{32, {10, 1, 2, 3}}, std::uint64_t{4}), 0);
  EXPECT_EQ(*lookup(*map, Route{32, {11, 0, 0, 1}}), 1U);
  EXPECT_EQ(*lookup(*map, Route{32, {10, 9, 9, 9}}), 2U);
  EXPECT_EQ(*lookup(*map, Route{32, {10, 1, 2, 9}}), 3U);
  EXPECT_EQ(*lookup(*map, Route{32, {10, 1, 2, 3}}), 4U);
  EXPECT_EQ(*lookup(*map, Route{16, {10, 1, 2, 3}}), 2U);
  EXPECT_EQ(lookup(*map, Route{33, {10, 1, 2, 3}}), nullptr);
  const Route all{0, {0, 0, 0, 0}};
  ASSERT_EQ(map->erase(at(&all)), 0);
  EXPECT_EQ(lookup(*map, Route{32, {11, 0, 0, 1}}), nullptr);
}

TEST(LpmTrie, AnUpdatePublishesANewElementAndAHeldPointerKeepsTheOldBytes) {
  const auto map = make(spec_of(MapType::kLpmTrie, 8, 8, 1, kMapNoPrealloc));
  const Route route{24, {10, 1, 2, 0}};
  ASSERT_EQ(update(*map, route, std::uint64_t{1}), 0);
  const std::uint64_t* const held = lookup(*map, route);
  ASSERT_EQ(update(*map, route, std::uint64_t{2}), 0);
  EXPECT_EQ(*held, 1U);
  EXPECT_EQ(*lookup(*map, route), 2U);
}

TEST(LpmTrie, NodesThatOnlyBranchDoNotCount) {
  const auto map = make(spec_of(MapType::kLpmTrie, 8, 8, 3, kMapNoPrealloc));
  for (int round = 0; round < 1000; ++round) {
    for (const std::uint8_t last : {0x01, 0x40, 0x80}) {
      ASSERT_EQ(update(*map, Route{32, {1, 1, 1, last}}, std::uint64_t{last}), 0);
    }
    EXPECT_EQ(update(*map, Route{32, {2, 1, 1, 1}}, std::uint64_t{0}), -ENOSPC);
    for (const std::uint8_t last : {0x40, 0x01, 0x80}) {
      const Route route{32, {1, 1, 1, last}};
      ASSERT_EQ(map->erase(at(&route)), 0);
    }
  }
}

}  // namespace
}  // namespace sluice::vm::testing
