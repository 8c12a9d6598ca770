// What maps of programs, maps and ports promise beyond the shared contract.
#include <cerrno>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "tests/unit/vm/maps/types.h"
#include "vm/maps/prog_array_view.h"

namespace sluice::vm::testing {
namespace {

class ProgArrays : public ::testing::Test {
 protected:
  static VerifiedProgram program(const ProgramType& type, bool frags) {
    LoadedProgram loaded = testing_support::program_from_asm("mov r0, 2\nexit", type);
    loaded.frags = frags;
    return testing_support::unverified(std::move(loaded));
  }
  std::unique_ptr<Map> map_ = make(spec_of(MapType::kProgArray, 4, 4, 4));
  ProgArray& array_ = dynamic_cast<ProgArray&>(*map_);
};

TEST_F(ProgArrays, TheFirstProgramDecidesWhichOthersFit) {
  const VerifiedProgram xdp = program(xdp_type(), false);
  const VerifiedProgram other = program(xdp_type(), false);
  const VerifiedProgram frags = program(xdp_type(), true);
  const VerifiedProgram devmap = program(xdp_devmap_type(), false);
  const ProgramSlot slots[] = {{&xdp}, {&other}, {&frags}, {&devmap}};
  EXPECT_EQ(array_.set(0, &slots[0]), 0);
  EXPECT_EQ(array_.set(1, &slots[1]), 0);
  EXPECT_EQ(array_.set(2, &slots[2]), -EINVAL);
  EXPECT_EQ(array_.set(2, &slots[3]), -EINVAL);
  EXPECT_EQ(array_.set(4, &slots[0]), -E2BIG);
  EXPECT_EQ(array_.set(0, nullptr), 0);
  EXPECT_EQ(array_.set(1, nullptr), 0);
  EXPECT_EQ(array_.set(2, &slots[2]), -EINVAL);  // the owner stays when the array is empty again
}

TEST_F(ProgArrays, ASlotIsWhatWasSet) {
  const VerifiedProgram xdp = program(xdp_type(), false);
  const ProgramSlot slot{&xdp, nullptr, nullptr, 6};
  EXPECT_EQ(array_.slot(2), nullptr);
  ASSERT_EQ(array_.set(2, &slot), 0);
  EXPECT_EQ(array_.slot(2), &slot);
  EXPECT_EQ(array_.slot(4), nullptr);
  EXPECT_EQ(prog_array_view_slot(static_cast<const ProgArrayView*>(map_->view()), 2), &slot);
  const std::uint32_t key = 2;
  std::uint32_t id = 0;
  EXPECT_EQ(map_->read(at(&key), reinterpret_cast<std::byte*>(&id)), 0);
  EXPECT_EQ(id, 7U);
  EXPECT_EQ(map_->lookup(at(&key), 0), nullptr);
}

TEST_F(ProgArrays, BytesAreNoProgram) {
  EXPECT_EQ(update(*map_, 0U, 5U), -EBADF);
  EXPECT_EQ(update(*map_, 4U, 5U), -E2BIG);
}

class MapsOfMaps : public ::testing::TestWithParam<MapType> {
 protected:
  static std::shared_ptr<Map> inner(std::uint32_t max_entries = 1, std::uint32_t value_size = 8) {
    return make(spec_of(MapType::kArray, 4, value_size, max_entries));
  }
  static std::unique_ptr<Map> outer(MapType type) {
    MapSpec spec = spec_of(type, 4, 4, 2);
    spec.inner = std::make_shared<const MapSpec>(spec_of(MapType::kArray, 4, 8, 1));
    return make(spec);
  }
  int set(std::uint32_t key, std::shared_ptr<Map> map) { return of_.set(at(&key), std::move(map), UpdateMode::kAny); }
  std::unique_ptr<Map> map_ = outer(GetParam());
  MapOfMaps& of_ = dynamic_cast<MapOfMaps&>(*map_);
};

TEST_P(MapsOfMaps, ALookUpGivesTheMapItself) {
  const std::shared_ptr<Map> one = inner();
  ASSERT_EQ(set(1, one), 0);
  const std::uint32_t keys[] = {0, 1, 9};
  EXPECT_EQ(reinterpret_cast<Map*>(map_->lookup(at(&keys[1]), 0)), one.get());
  EXPECT_EQ(map_->lookup(at(&keys[0]), 0), nullptr);
  EXPECT_EQ(map_->lookup(at(&keys[2]), 0), nullptr);
}

TEST_P(MapsOfMaps, ReadingGivesTheInnerMapsId) {
  const std::shared_ptr<Map> one = inner();
  one->set_id(77);
  ASSERT_EQ(set(1, one), 0);
  const std::uint32_t key = 1;
  std::uint32_t id = 0;
  EXPECT_EQ(map_->read(at(&key), reinterpret_cast<std::byte*>(&id)), 0);
  EXPECT_EQ(id, 77U);
}

TEST_P(MapsOfMaps, TakesOnlyMapsLikeTheOneItWasMadeFor) {
  EXPECT_EQ(set(1, inner(2)), -EINVAL);
  EXPECT_EQ(set(1, inner(1, 16)), -EINVAL);
  EXPECT_EQ(set(1, nullptr), -EBADF);
  EXPECT_EQ(set(1, make(spec_of(MapType::kHash, 4, 8, 1))), -EINVAL);
  const std::uint32_t key = 1;
  EXPECT_EQ(map_->lookup(at(&key), 0), nullptr);
}

TEST_P(MapsOfMaps, BytesAreNoMap) {
  EXPECT_EQ(update(*map_, 0U, 5U), -EBADF);
  const std::uint32_t words[] = {0, 5};
  EXPECT_EQ(map_->write(at(&words[0]), at(&words[1]), UpdateMode::kAny), -EBADF);
}

// A program may hold what it looked up while the slot changes.
TEST_P(MapsOfMaps, AReplacedMapLivesUntilTheMapOfMapsDies) {
  std::shared_ptr<Map> old = inner();
  const std::weak_ptr<Map> watched = old;
  const std::uint32_t key = 1;
  ASSERT_EQ(set(key, std::move(old)), 0);
  auto* const held = reinterpret_cast<Map*>(map_->lookup(at(&key), 0));
  ASSERT_EQ(set(key, inner()), 0);
  ASSERT_EQ(map_->erase(at(&key)), 0);
  ASSERT_FALSE(watched.expired());
  EXPECT_EQ(update(*held, 0U, std::uint64_t{5}), 0);
  map_.reset();
  EXPECT_TRUE(watched.expired());
}

TEST_P(MapsOfMaps, AMapMayBeInSeveralSlots) {
  const std::shared_ptr<Map> one = inner();
  ASSERT_EQ(set(0, one), 0);
  ASSERT_EQ(set(1, one), 0);
  EXPECT_EQ(one.use_count(), 2);  // held once
}

TEST_P(MapsOfMaps, SayWhyTheyCannotBeMade) {
  const std::string name(map_type_name(GetParam()));
  MapSpec spec = spec_of(GetParam(), 4, 4, 2);
  EXPECT_EQ(refusal(spec), "map 'm' (" + name +
                               "): nothing says what its inner maps are like; `inner:` of the map in the "
                               "configuration can");
  spec.inner = std::make_shared<const MapSpec>(spec_of(MapType::kArray, 3, 8, 1));
  EXPECT_EQ(refusal(spec), "map 'm' (" + name + "): inner map: key is 3 bytes, expected 4");
  spec.inner = std::make_shared<const MapSpec>(spec_of(MapType::kProgArray, 4, 4, 1));
  EXPECT_EQ(refusal(spec), "map 'm' (" + name + "): a map of type prog_array cannot be inside");
}

INSTANTIATE_TEST_SUITE_P(Both, MapsOfMaps, ::testing::Values(MapType::kArrayOfMaps, MapType::kHashOfMaps),
                         [](const auto& test) { return std::string(map_type_name(test.param)); });

class Devmaps : public ::testing::TestWithParam<MapType> {
 protected:
  std::unique_ptr<Map> map_ = make(spec_of(GetParam(), 4, 8, 8));
  Devmap& devmap_ = dynamic_cast<Devmap&>(*map_);
};

TEST_P(Devmaps, ResolveGivesPortAndProgram) {
  const ProgramSlot program{nullptr, nullptr, nullptr, 4};
  DevmapEntry entry;
  EXPECT_FALSE(devmap_.resolve(3, entry));
  EXPECT_EQ(devmap_.attach(3, &program), -ENOENT);
  ASSERT_EQ(update(*map_, 3U, std::uint64_t{9}), 0);
  ASSERT_TRUE(devmap_.resolve(3, entry));
  EXPECT_EQ(entry.ifindex, 9U);
  EXPECT_EQ(entry.program, nullptr);
  ASSERT_EQ(devmap_.attach(3, &program), 0);
  ASSERT_TRUE(devmap_.resolve(3, entry));
  EXPECT_EQ(entry.ifindex, 9U);
  EXPECT_EQ(entry.program, &program);
  std::array<std::uint32_t, 2> value{};
  const std::uint32_t key = 3;
  ASSERT_EQ(map_->read(at(&key), reinterpret_cast<std::byte*>(value.data())), 0);
  EXPECT_EQ(value, (std::array<std::uint32_t, 2>{9, 5}));
  ASSERT_EQ(devmap_.attach(3, nullptr), 0);
  ASSERT_TRUE(devmap_.resolve(3, entry));
  EXPECT_EQ(entry.program, nullptr);
}

TEST_P(Devmaps, ProgramsMayNotWriteValues) { EXPECT_NE(map_->spec().flags & kMapReadOnlyProg, 0U); }

TEST_P(Devmaps, ADescriptorInAValueIsNoProgram) { EXPECT_EQ(update(*map_, 1U, std::uint64_t{5} << 32 | 1), -EINVAL); }

TEST_P(Devmaps, ForEachVisitsEveryEntry) {
  for (const std::uint32_t key : {6U, 1U, 3U}) ASSERT_EQ(update(*map_, key, std::uint64_t{key} + 10), 0);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> seen;
  devmap_.for_each(
      [](void* state, std::uint32_t key, const DevmapEntry& entry) noexcept {
        static_cast<decltype(seen)*>(state)->emplace_back(key, entry.ifindex);
      },
      &seen);
  EXPECT_EQ(seen, (decltype(seen){{1, 11}, {3, 13}, {6, 16}}));
}

INSTANTIATE_TEST_SUITE_P(Both, Devmaps, ::testing::Values(MapType::kDevmap, MapType::kDevmapHash),
                         [](const auto& test) { return std::string(map_type_name(test.param)); });

TEST(DevmapHash, EntriesOfOneChainComeNewestFirst) {
  const auto map = make(spec_of(MapType::kDevmapHash, 4, 4, 4));
  auto& devmap = dynamic_cast<Devmap&>(*map);
  for (const std::uint32_t key : {0U, 4U, 8U, 0xfffffffcU}) ASSERT_EQ(update(*map, key, 1U), 0);
  ASSERT_EQ(update(*map, 4U, 2U), 0);
  std::vector<std::uint32_t> keys;
  devmap.for_each([](void* state, std::uint32_t key,
                     const DevmapEntry&) noexcept { static_cast<std::vector<std::uint32_t>*>(state)->push_back(key); },
                  &keys);
  EXPECT_EQ(keys, (std::vector<std::uint32_t>{4, 0xfffffffc, 8, 0}));
}

TEST(DevmapHash, TheLastBucketIsTheLast) {
  const auto map = make(spec_of(MapType::kDevmapHash, 4, 4, 4));
  ASSERT_EQ(update(*map, 0xffffffffU, 1U), 0);
  EXPECT_EQ(walk(*map).size(), 1U);
}

}  // namespace
}  // namespace sluice::vm::testing
