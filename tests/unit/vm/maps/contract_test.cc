// What every map type promises (vm/maps/map.h), for every type of the registry.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/vm/maps/cases.h"
#include "vm/maps/registry.h"

namespace sluice::vm::testing {
namespace {

class MapContract : public ::testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Map> map_ = make(GetParam());
  Random random_{7};
  std::unique_ptr<Oracle> oracle_ = GetParam().oracle(GetParam().spec, map_->transfer_size());

  Bytes key() { return GetParam().key(random_, GetParam().spec); }
  Bytes value() { return transfer_value(*map_, GetParam(), random_); }
  // Puts until `count` keys took, in map and oracle.
  void fill(std::size_t count) {
    for (int turn = 0; turn < 10'000 && oracle_->all().size() < count; ++turn) {
      const Bytes k = key();
      const Bytes v = value();
      ASSERT_EQ(put(*map_, k, v, 0), oracle_->update(k, v, 0));
    }
  }
  void expect_same(const Bytes& k) {
    Bytes out(map_->transfer_size());
    const Bytes* const expected = oracle_->lookup(k);
    ASSERT_EQ(map_->read(k.data(), out.data()), expected != nullptr ? 0 : -ENOENT);
    if (expected != nullptr) {
      ASSERT_EQ(out, *expected);
    }
    if (is_numbered(*map_)) return;
    const std::byte* const direct = map_->lookup(k.data(), 1);
    ASSERT_EQ(direct != nullptr, expected != nullptr);
    if (direct == nullptr) return;
    const auto from = expected->begin() + (map_->is_percpu() ? map_->percpu_stride() : 0);
    ASSERT_TRUE(std::equal(direct, direct + GetParam().spec.value_size, from));
  }
};

TEST(MapRegistry, EveryTypeIsUnderContract) {
  for (const MapTypeRow& row : map_types()) {
    const auto is_it = [&](const Case& test) { return test.spec.type == row.type; };
    // Neither keys nor values, or none that can be read: tests of their own.
    constexpr std::array kOwn{MapType::kRingbuf, MapType::kPerfEventArray, MapType::kXskmap, MapType::kBloomFilter};
    if (std::ranges::find(kOwn, row.type) != kOwn.end()) continue;
    EXPECT_TRUE(std::ranges::any_of(cases(), is_it) || std::ranges::any_of(queue_cases(), is_it))
        << map_type_name(row.type);
  }
}

TEST_P(MapContract, RandomOperationsAnswerAsTheOracle) {
  for (int turn = 0; turn < 20'000; ++turn) {
    const Bytes k = key();
    const std::uint64_t mode = random_() % 3 == 0 ? random_() % 4 : 0;
    if (random_() % 5 < 3) {
      const Bytes v = value();
      ASSERT_EQ(put(*map_, k, v, mode), oracle_->update(k, v, mode)) << "turn " << turn << ", mode " << mode;
    } else {
      ASSERT_EQ(map_->erase(k.data()), oracle_->erase(k)) << "turn " << turn;
    }
    expect_same(key());
    expect_same(k);
  }
}

TEST_P(MapContract, NextKeyWalksOverEveryKeyOnce) {
  fill(GetParam().spec.max_entries);
  const std::vector<Bytes> keys = walk(*map_);
  const std::set<Bytes> distinct(keys.begin(), keys.end());
  EXPECT_EQ(keys.size(), distinct.size());
  if (GetParam().every_key_exists) {
    EXPECT_EQ(keys.size(), GetParam().spec.max_entries);
    return;
  }
  std::set<Bytes> expected;
  for (const auto& entry : oracle_->all()) expected.insert(entry.first);
  EXPECT_EQ(distinct, expected);
}

TEST_P(MapContract, NextKeyOfAKeyThatIsNotThereStartsAgain) {
  fill(GetParam().spec.max_entries / 2 + 1);
  Bytes first(GetParam().spec.key_size);
  ASSERT_TRUE(map_->next_key(nullptr, first.data()));
  for (int turn = 0; turn < 1'000; ++turn) {
    const Bytes k = key();
    const std::vector<Bytes> keys = walk(*map_);
    if (std::ranges::find(keys, k) != keys.end()) continue;
    if (GetParam().spec.type == MapType::kLpmTrie) continue;  // the bits behind a prefix do not count
    Bytes next(k.size());
    ASSERT_TRUE(map_->next_key(k.data(), next.data()));
    ASSERT_EQ(next, first);
  }
}

TEST_P(MapContract, AnEmptyMapHasNoFirstKeyUnlessEveryIndexExists) {
  Bytes next(GetParam().spec.key_size);
  EXPECT_EQ(map_->next_key(nullptr, next.data()), GetParam().every_key_exists);
  EXPECT_EQ(walk(*map_).size(), GetParam().every_key_exists ? GetParam().spec.max_entries : 0U);
}

TEST_P(MapContract, AFrozenMapRefusesWrites) {
  fill(1);
  map_->freeze();
  EXPECT_TRUE(map_->frozen());
  const auto& [k, old] = *oracle_->all().begin();
  const Bytes before = old;
  EXPECT_EQ(put(*map_, k, value(), 0), -EPERM);
  EXPECT_LT(map_->erase(k.data()), 0);
  expect_same(k);
}

TEST_P(MapContract, UnknownUpdateModesAreInvalid) {
  const Bytes k = key();
  for (const std::uint64_t mode : {3U, 4U, 5U, 1U << 31}) EXPECT_EQ(put(*map_, k, value(), mode), -EINVAL);
}

TEST_P(MapContract, HasAViewAndAnswersItsOwnSpec) {
  EXPECT_NE(map_->view(), nullptr);
  EXPECT_EQ(map_->spec().value_size, GetParam().spec.value_size);
  EXPECT_EQ(map_->cpus(), kCpus);
  EXPECT_EQ(map_->transfer_size(),
            map_->is_percpu() ? kCpus * ((GetParam().spec.value_size + 7) / 8 * 8) : GetParam().spec.value_size);
}

std::uint64_t resident_bytes() {
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST_P(MapContract, ALargeMapCostsMemoryOnlyAsItIsTouched) {
  Case large = GetParam();
  const std::uint32_t most = map_type_row(large.spec.type)->rules.max_entries;
  large.spec.max_entries = most == 0 ? 1U << 24 : std::min(1U << 24, most);
  const std::uint64_t before = resident_bytes();
  const std::unique_ptr<Map> map = make(large);
  const std::uint64_t after = resident_bytes();
  EXPECT_LT(after, before + (2U << 20));
}

INSTANTIATE_TEST_SUITE_P(All, MapContract, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace sluice::vm::testing
