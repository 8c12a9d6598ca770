// What bpf_for_each_map_elem walks: Map::next_element.
#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "vm/maps/map.h"

namespace sluice::vm::testing {
namespace {

constexpr MapType kHashes[] = {MapType::kHash, MapType::kPercpuHash, MapType::kLruHash, MapType::kLruPercpuHash};

std::unique_ptr<Map> make(MapType type, std::uint32_t entries) {
  return make_map({.name = "m", .type = type, .key_size = 4, .value_size = 8, .max_entries = entries}, 2).value();
}
const std::byte* bytes(const void* at) { return static_cast<const std::byte*>(at); }

void put(Map& map, std::uint32_t key, std::uint64_t value, unsigned cpu = 0) {
  ASSERT_EQ(map.update(bytes(&key), bytes(&value), UpdateMode::kAny, cpu), 0);
}
std::uint32_t key_of(const MapCursor& cursor) {
  std::uint32_t key = 0;
  std::memcpy(&key, cursor.key, sizeof key);
  return key;
}
std::uint64_t value_of(const MapCursor& cursor) {
  std::uint64_t value = 0;
  std::memcpy(&value, cursor.value, sizeof value);
  return value;
}

TEST(MapElements, OfAnArrayAreAllInOrderWithTheValueOfTheCpu) {
  for (const MapType type : {MapType::kArray, MapType::kPercpuArray}) {
    const auto map = make(type, 5);
    for (std::uint32_t i = 0; i < 5; ++i) put(*map, i, 100 + i, 1);
    MapCursor cursor;
    for (std::uint32_t i = 0; i < 5; ++i) {
      ASSERT_TRUE(map->next_element(cursor, 1));
      EXPECT_EQ(key_of(cursor), i);
      EXPECT_EQ(value_of(cursor), 100 + i);
    }
    EXPECT_FALSE(map->next_element(cursor, 1));
    EXPECT_EQ(cursor.seen, 5U);
  }
}

TEST(MapElements, OfAHashAreMetOnceEach) {
  for (const MapType type : kHashes) {
    const auto map = make(type, 400);
    for (std::uint32_t i = 0; i < 300; ++i) put(*map, i, 2 * i, 1);
    MapCursor cursor;
    std::set<std::uint32_t> keys;
    while (map->next_element(cursor, 1)) {
      EXPECT_TRUE(keys.insert(key_of(cursor)).second);
      EXPECT_EQ(value_of(cursor), 2 * key_of(cursor));
    }
    EXPECT_EQ(keys.size(), 300U);
    EXPECT_EQ(cursor.seen, 300U);
  }
}

TEST(MapElements, OfAHashMayBeDeletedOrReplacedWhenMet) {
  for (const MapType type : kHashes) {
    const auto map = make(type, 400);
    for (std::uint32_t i = 0; i < 300; ++i) put(*map, i, i);
    MapCursor cursor;
    std::set<std::uint32_t> keys;
    while (map->next_element(cursor, 0)) {
      const std::uint32_t key = key_of(cursor);
      EXPECT_TRUE(keys.insert(key).second);
      if (key % 2 == 0) {
        EXPECT_EQ(map->erase(bytes(&key)), 0);
      } else {
        put(*map, key, 7);
      }
    }
    EXPECT_EQ(keys.size(), 300U);
    MapCursor again;
    while (map->next_element(again, 0)) EXPECT_EQ(key_of(again) % 2, 1U);
    EXPECT_EQ(again.seen, 150U);
  }
}

TEST(MapElements, OfAnEmptyHashAndOfOtherTypesAreNone) {
  MapCursor cursor;
  EXPECT_FALSE(make(MapType::kHash, 8)->next_element(cursor, 0));
  const auto queue =
      make_map({.name = "q", .type = MapType::kQueue, .key_size = 0, .value_size = 8, .max_entries = 4}, 1).value();
  EXPECT_FALSE(queue->next_element(cursor, 0));
  EXPECT_EQ(cursor.seen, 0U);
}

}  // namespace
}  // namespace sluice::vm::testing
