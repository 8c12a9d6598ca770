// Map helpers for every type their rows admit. What each type does with keys and values is tests/unit/vm/maps' subject;
// here it is which errno a program sees, which CPU's value it gets, and that look-up, update and delete meet.
#include <cerrno>
#include <memory>
#include <set>

#include "tests/unit/helpers/support.h"
#include "vm/maps/map.h"
#include "vm/maps/registry.h"

namespace sluice::helpers::testing {
namespace {

constexpr std::uint64_t kAny = 0, kNoExist = 1, kExist = 2;
constexpr std::uint32_t kEntries = 3;

std::unique_ptr<vm::Map> make(vm::MapType type) {
  vm::MapSpec spec{.name = "m", .type = type, .key_size = 4, .value_size = 8, .max_entries = kEntries};
  if (type == vm::MapType::kLpmTrie) {
    spec.key_size = 8;
    spec.flags = vm::kMapNoPrealloc;
  }
  auto map = vm::make_map(spec, 2);
  EXPECT_TRUE(map) << (map ? "" : map.error().message);
  return std::move(*map);
}

// The n-th key of a map of `make`: 0..kEntries-1 fit, more are one too many.
struct Key {
  Key(const vm::Map& map, std::uint32_t n)
      : words(map.spec().type == vm::MapType::kLpmTrie ? std::array<std::uint32_t, 2>{32, n * 256}
                                                       : std::array<std::uint32_t, 2>{n, 0}) {}
  std::array<std::uint32_t, 2> words;
  const std::uint32_t* data() const { return words.data(); }
};

// The types of a row that can be made and whose values are bytes.
std::vector<vm::MapType> types_of(std::string_view helper) {
  std::vector<vm::MapType> types;
  for (const vm::HelperDesc& row : table().rows()) {
    if (row.name != helper) continue;
    for (const std::uint32_t type : row.map_types) {
      const vm::MapTypeRow* const made = vm::map_type_row(static_cast<vm::MapType>(type));
      const bool bytes = made != nullptr && !made->rules.of_maps && made->type != vm::MapType::kXskmap;  // a socket
      if (bytes) types.push_back(made->type);
    }
  }
  return types;
}
constexpr auto kTypeName = [](const auto& test) { return std::string(vm::map_type_name(test.param)); };

class MapHelper : public HelperTest, public ::testing::WithParamInterface<vm::MapType> {
 protected:
  static bool is_array(vm::MapType type) { return type == vm::MapType::kArray || type == vm::MapType::kPercpuArray; }
  bool is_array() const { return is_array(GetParam()); }
  bool is_lru() const { return GetParam() == vm::MapType::kLruHash || GetParam() == vm::MapType::kLruPercpuHash; }
  bool is_devmap() const { return GetParam() == vm::MapType::kDevmap || GetParam() == vm::MapType::kDevmapHash; }
  // What the map itself does, without a helper.
  int store(std::uint32_t n, std::uint64_t value, unsigned cpu = 0) {
    return map_->update(reinterpret_cast<const std::byte*>(Key(*map_, n).data()),
                        reinterpret_cast<const std::byte*>(&value), vm::UpdateMode::kAny, cpu);
  }
  const std::uint64_t* find(std::uint32_t n, unsigned cpu = 0) {
    return reinterpret_cast<const std::uint64_t*>(
        map_->lookup(reinterpret_cast<const std::byte*>(Key(*map_, n).data()), cpu));
  }
  std::unique_ptr<vm::Map> map_ = make(GetParam());
};

class MapLookupElem : public MapHelper {};
INSTANTIATE_TEST_SUITE_P(Type, MapLookupElem, ::testing::ValuesIn(types_of("map_lookup_elem")), kTypeName);

TEST_P(MapLookupElem, GivesTheAddressOfTheValue) {
  ASSERT_EQ(store(1, 77), 0);
  const std::int64_t address = call(map_.get(), Key(*map_, 1).data());
  ASSERT_NE(address, 0);
  EXPECT_EQ(reinterpret_cast<const std::uint64_t*>(address), find(1));
  EXPECT_EQ(*reinterpret_cast<const std::uint64_t*>(address), 77U);
}

TEST_P(MapLookupElem, GivesNullForAKeyThatIsNotThere) {
  ASSERT_EQ(store(1, 77), 0);
  EXPECT_EQ(call(map_.get(), Key(*map_, 99).data()), 0);
  EXPECT_EQ(call(map_.get(), Key(*map_, 0).data()) != 0, is_array());
}

TEST_P(MapLookupElem, GivesThisCpusOwnValue) {
  ASSERT_EQ(store(1, 77), 0);
  if (!is_devmap()) {
    ASSERT_EQ(store(1, 88, 1), 0);
  }
  env_.cpu = 1;
  const auto other = call(map_.get(), Key(*map_, 1).data());
  EXPECT_EQ(reinterpret_cast<const std::uint64_t*>(other), find(1, 1));
  env_.cpu = 0;
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data()) != other, map_->is_percpu());
}

// Not of the suite above, which is made for types with bytes as values.
TEST(MapLookupElemOfMaps, GivesTheInnerMapThatHelpersTake) {
  vm::MapSpec inner{.name = "inner", .type = vm::MapType::kHash, .key_size = 4, .value_size = 8, .max_entries = 2};
  for (const vm::MapType type : {vm::MapType::kArrayOfMaps, vm::MapType::kHashOfMaps}) {
    const auto outer = std::move(*vm::make_map({.name = "outer",
                                                .type = type,
                                                .key_size = 4,
                                                .value_size = 4,
                                                .max_entries = 2,
                                                .inner = std::make_shared<const vm::MapSpec>(inner)},
                                               1));
    const std::shared_ptr<vm::Map> inside = std::move(*vm::make_map(inner, 1));
    const std::array<std::uint32_t, 2> keys{0, 1};
    const std::uint64_t value = 9;
    ASSERT_EQ(dynamic_cast<vm::MapOfMaps&>(*outer).set(reinterpret_cast<const std::byte*>(&keys[1]), inside,
                                                       vm::UpdateMode::kAny),
              0);
    vm::ExecEnv env;
    const auto call = [&](std::int32_t id, std::uint64_t map, const void* key, const void* from) {
      return table().find(id)->fn(map, reinterpret_cast<std::uint64_t>(key), reinterpret_cast<std::uint64_t>(from), 0,
                                  0, env);
    };
    EXPECT_EQ(call(1, reinterpret_cast<std::uint64_t>(outer.get()), &keys[0], nullptr), 0U);
    const std::uint64_t found = call(1, reinterpret_cast<std::uint64_t>(outer.get()), &keys[1], nullptr);
    ASSERT_EQ(found, reinterpret_cast<std::uint64_t>(inside.get()));
    EXPECT_EQ(call(2, found, &keys[0], &value), 0U);
    EXPECT_EQ(*reinterpret_cast<const std::uint64_t*>(call(1, found, &keys[0], nullptr)), 9U);
  }
}

class MapUpdateElem : public MapHelper {};
INSTANTIATE_TEST_SUITE_P(Type, MapUpdateElem, ::testing::ValuesIn(types_of("map_update_elem")), kTypeName);

TEST_P(MapUpdateElem, StoresANewValueAndThenAnother) {
  for (const std::uint64_t value : {5U, 6U}) {
    EXPECT_EQ(call(map_.get(), Key(*map_, 1).data(), &value, kAny), 0);
    ASSERT_NE(find(1), nullptr);
    EXPECT_EQ(*find(1), value);
  }
}

TEST_P(MapUpdateElem, TheModeSaysWhetherTheKeyMayExist) {
  const std::uint64_t value = 5;
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data(), &value, kExist), is_array() ? 0 : -ENOENT);
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data(), &value, kNoExist), is_array() ? -EEXIST : 0);
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data(), &value, kNoExist), -EEXIST);
  const std::uint64_t other = 6;
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data(), &other, kExist), 0);
  EXPECT_EQ(*find(1), 6U);
}

TEST_P(MapUpdateElem, RefusesModesThatAreNone) {
  const std::uint64_t value = 5;
  for (const std::uint64_t mode : {std::uint64_t{3}, std::uint64_t{4}, std::uint64_t{8}, ~std::uint64_t{0},
                                   std::uint64_t{1} << 32, (std::uint64_t{1} << 63) + 1}) {
    EXPECT_EQ(call(map_.get(), Key(*map_, 1).data(), &value, mode), -EINVAL) << mode;
  }
  EXPECT_EQ(find(1) != nullptr && *find(1) != 0, false);
}

TEST_P(MapUpdateElem, SaysWhenTheMapIsFullAndKeepsWhatItHas) {
  const std::uint64_t value = 5;
  for (std::uint32_t n = 0; n < kEntries; ++n) EXPECT_EQ(call(map_.get(), Key(*map_, n).data(), &value, kAny), 0);
  if (is_lru()) {  // which gives one of those not in use away
    EXPECT_NE(find(0), nullptr);
    EXPECT_EQ(call(map_.get(), Key(*map_, kEntries).data(), &value, kAny), 0);
    EXPECT_NE(find(0), nullptr);
    EXPECT_EQ((find(1) == nullptr) + (find(2) == nullptr), 1);
    return;
  }
  EXPECT_EQ(call(map_.get(), Key(*map_, kEntries).data(), &value, kAny),
            GetParam() == vm::MapType::kLpmTrie ? -ENOSPC : -E2BIG);
  const std::uint64_t other = 6;
  EXPECT_EQ(call(map_.get(), Key(*map_, 0).data(), &other, kAny), 0);
  EXPECT_EQ(*find(0), 6U);
  EXPECT_EQ(*find(1), 5U);
}

TEST_P(MapUpdateElem, WritesThisCpusValueOnly) {
  env_.cpu = 1;
  const std::uint64_t value = 5;
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data(), &value, kAny), 0);
  EXPECT_EQ(*find(1, 1), 5U);
  EXPECT_EQ(*find(1, 0), map_->is_percpu() ? 0U : 5U);
}

TEST_P(MapUpdateElem, AFrozenMapStaysAsItIs) {
  ASSERT_EQ(store(1, 7), 0);
  map_->freeze();
  const std::uint64_t value = 5;
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data(), &value, kAny), -EPERM);
  EXPECT_EQ(*find(1), 7U);
}

class MapDeleteElem : public MapHelper {};
INSTANTIATE_TEST_SUITE_P(Type, MapDeleteElem, ::testing::ValuesIn(types_of("map_delete_elem")), kTypeName);

TEST_P(MapDeleteElem, TakesAKeyOutWhichArraysNeverDo) {
  ASSERT_EQ(store(1, 7), 0);
  EXPECT_EQ(call(map_.get(), Key(*map_, 2).data()), is_array() ? -EINVAL : -ENOENT);
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data()), is_array() ? -EINVAL : 0);
  if (is_array()) {
    EXPECT_EQ(*find(1), 7U);
    return;
  }
  EXPECT_EQ(find(1), nullptr);
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data()), -ENOENT);
}

TEST_P(MapDeleteElem, MakesRoomForAnother) {
  if (is_array()) {
    EXPECT_EQ(call(map_.get(), Key(*map_, 0).data()), -EINVAL);
    return;
  }
  for (std::uint32_t n = 0; n < kEntries; ++n) ASSERT_EQ(store(n, n), 0);
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data()), 0);
  EXPECT_EQ(store(kEntries, 9), 0);
  for (const std::uint32_t n : {0U, 2U, kEntries}) EXPECT_NE(find(n), nullptr) << n;
  EXPECT_EQ(store(kEntries + 1, 9) == 0, is_lru());
}

TEST_P(MapDeleteElem, AFrozenMapStaysAsItIs) {
  ASSERT_EQ(store(1, 7), 0);
  map_->freeze();
  EXPECT_EQ(call(map_.get(), Key(*map_, 1).data()), -EPERM);
  EXPECT_EQ(*find(1), 7U);
}

class QueueHelper : public HelperTest, public ::testing::WithParamInterface<vm::MapType> {
 protected:
  bool is_stack() const { return GetParam() == vm::MapType::kStack; }
  int push(std::uint64_t value) {
    return queue_.push(reinterpret_cast<const std::byte*>(&value), vm::UpdateMode::kAny);
  }
  // The next value, which leaves; 0 = there is none.
  std::uint64_t pop() {
    std::uint64_t value = 0;
    queue_.pop(reinterpret_cast<std::byte*>(&value));
    return value;
  }
  std::unique_ptr<vm::Map> map_ = std::move(
      *vm::make_map({.name = "q", .type = GetParam(), .key_size = 0, .value_size = 8, .max_entries = kEntries}, 2));
  vm::Queue& queue_ = dynamic_cast<vm::Queue&>(*map_);
};
constexpr vm::MapType kQueueTypes[] = {vm::MapType::kQueue, vm::MapType::kStack};

class MapPushElem : public QueueHelper {};
INSTANTIATE_TEST_SUITE_P(Type, MapPushElem, ::testing::ValuesIn(kQueueTypes), kTypeName);

TEST_P(MapPushElem, FillsUpToMaxEntries) {
  for (std::uint64_t value = 1; value <= kEntries; ++value) EXPECT_EQ(call(map_.get(), &value, kAny), 0);
  const std::uint64_t more = 9;
  EXPECT_EQ(call(map_.get(), &more, kAny), -E2BIG);
  EXPECT_EQ(pop(), is_stack() ? kEntries : 1U);
}

TEST_P(MapPushElem, WithExistTheOldestOfAFullOneGoes) {
  for (std::uint64_t value = 1; value <= kEntries + 1; ++value) EXPECT_EQ(call(map_.get(), &value, kExist), 0);
  EXPECT_EQ(pop(), is_stack() ? 4U : 2U);
  EXPECT_EQ(pop(), 3U);
  EXPECT_EQ(pop(), is_stack() ? 2U : 4U);
  EXPECT_EQ(pop(), 0U);
}

TEST_P(MapPushElem, RefusesOtherFlags) {
  const std::uint64_t value = 1;
  for (const std::uint64_t flags :
       {kNoExist, std::uint64_t{3}, std::uint64_t{4}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    EXPECT_EQ(call(map_.get(), &value, flags), -EINVAL) << flags;
  }
  EXPECT_EQ(pop(), 0U);
}

class MapPopElem : public QueueHelper {};
INSTANTIATE_TEST_SUITE_P(Type, MapPopElem, ::testing::ValuesIn(kQueueTypes), kTypeName);

TEST_P(MapPopElem, TakesTheNextValueOut) {
  for (std::uint64_t value = 1; value <= 3; ++value) ASSERT_EQ(push(value), 0);
  for (std::uint64_t turn = 1; turn <= 3; ++turn) {
    std::uint64_t value = 0;
    EXPECT_EQ(call(map_.get(), &value), 0);
    EXPECT_EQ(value, is_stack() ? 4 - turn : turn);
  }
}

TEST_P(MapPopElem, GivesZeroesWhenThereIsNone) {
  std::uint64_t value = 77;
  EXPECT_EQ(call(map_.get(), &value), -ENOENT);
  EXPECT_EQ(value, 0U);
}

class MapPeekElem : public QueueHelper {};
INSTANTIATE_TEST_SUITE_P(Type, MapPeekElem, ::testing::ValuesIn(kQueueTypes), kTypeName);

TEST_P(MapPeekElem, ReadsTheNextValueAndLeavesIt) {
  for (std::uint64_t value = 1; value <= 3; ++value) ASSERT_EQ(push(value), 0);
  for (int turn = 0; turn < 2; ++turn) {
    std::uint64_t value = 0;
    EXPECT_EQ(call(map_.get(), &value), 0);
    EXPECT_EQ(value, is_stack() ? 3U : 1U);
  }
  EXPECT_EQ(pop(), is_stack() ? 3U : 1U);
}

TEST_P(MapPeekElem, GivesZeroesWhenThereIsNone) {
  std::uint64_t value = 77;
  EXPECT_EQ(call(map_.get(), &value), -ENOENT);
  EXPECT_EQ(value, 0U);
}

class MapLookupPercpuElem : public HelperTest {};

TEST_F(MapLookupPercpuElem, GivesTheValueOfACpuThatIsThere) {
  const auto map = std::move(*vm::make_map(
      {.name = "m", .type = vm::MapType::kPercpuHash, .key_size = 4, .value_size = 8, .max_entries = 4}, 3));
  const std::uint32_t key = 7;
  const std::array<std::uint64_t, 3> values{10, 11, 12};
  EXPECT_EQ(call(map.get(), &key, 1), 0) << "no such key";
  ASSERT_EQ(map->write(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(values.data()),
                       vm::UpdateMode::kAny),
            0);
  for (std::int64_t cpu = 0; cpu < 3; ++cpu) {
    const std::int64_t found = call(map.get(), &key, cpu | std::int64_t{1} << 32);
    ASSERT_NE(found, 0);
    EXPECT_EQ(*reinterpret_cast<const std::uint64_t*>(found), 10U + static_cast<std::uint64_t>(cpu));
  }
  EXPECT_EQ(call(map.get(), &key, 3), 0) << "the control thread's share is nobody's";
  EXPECT_EQ(call(map.get(), &key, -1), 0);
}

// No program may write what the control path alone writes, nor reach a program array's slots as memory.
TEST(MapRows, AdmitTheTypesTheKernelAdmits) {
  const auto admitted = [](std::string_view helper, vm::MapType type) {
    const auto types = types_of(helper);
    return std::ranges::find(types, type) != types.end();
  };
  for (const vm::MapType type : {vm::MapType::kDevmap, vm::MapType::kDevmapHash}) {
    EXPECT_TRUE(admitted("map_lookup_elem", type));
    EXPECT_FALSE(admitted("map_update_elem", type));
    EXPECT_FALSE(admitted("map_delete_elem", type));
  }
  for (const char* helper : {"map_lookup_elem", "map_update_elem", "map_delete_elem"}) {
    EXPECT_FALSE(admitted(helper, vm::MapType::kProgArray)) << helper;
    EXPECT_GE(types_of(helper).size(), 5U) << helper;
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
