// BLOOM_FILTER: nothing that was pushed is missed; how often others are found, beside the kernel's.
#include <cerrno>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/bpf_syscall.h"
#include "vm/maps/bloom_filter.h"

namespace sluice::vm::testing {
namespace {

MapSpec spec_of(std::uint32_t value_size, std::uint32_t entries, std::uint32_t hashes) {
  return {.name = "seen",
          .type = MapType::kBloomFilter,
          .key_size = 0,
          .value_size = value_size,
          .max_entries = entries,
          .extra = hashes};
}

std::vector<std::vector<std::byte>> values(std::size_t count, std::uint32_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::vector<std::byte>> all(count, std::vector<std::byte>(size));
  for (auto& value : all) {
    for (std::byte& byte : value) byte = static_cast<std::byte>(random());
  }
  return all;
}

class BloomFilterSizes : public ::testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> {};
INSTANTIATE_TEST_SUITE_P(All, BloomFilterSizes,
                         ::testing::Combine(::testing::Values(4U, 13U, 64U), ::testing::Values(1U, 100U, 5000U),
                                            ::testing::Values(0U, 1U, 3U, 15U)));

TEST_P(BloomFilterSizes, MissNothingAndFindOthersAboutAsOftenAsTheKernel) {
  const auto [size, entries, hashes] = GetParam();
  const auto map = std::move(*make_map(spec_of(size, entries, hashes), 1));
  auto& filter = dynamic_cast<BloomFilter&>(*map);
  auto pushed = values(entries, size, 1);
  for (const auto& value : pushed) ASSERT_EQ(filter.push(value.data(), UpdateMode::kAny), 0);
  for (auto& value : pushed) ASSERT_EQ(filter.peek(value.data()), 0);
  auto others = values(20'000, size, 2);
  unsigned ours = 0;
  for (auto& value : others) ours += filter.peek(value.data()) == 0 ? 1 : 0;
  // With half of the bits set 2^-hashes; a filter of few bits is rarely just half full.
  SLUICE_NEEDS_BPF();
  const testing_support::KernelMap theirs_map(BPF_MAP_TYPE_BLOOM_FILTER, 0, size, entries, 0, 0, hashes);
  ASSERT_GE(theirs_map.fd(), 0);
  for (const auto& value : pushed) ASSERT_EQ(theirs_map.update(nullptr, value.data(), 0), 0);
  for (auto& value : pushed) ASSERT_EQ(theirs_map.lookup(nullptr, value.data()), 0);
  unsigned theirs = 0;
  for (auto& value : others) theirs += theirs_map.lookup(nullptr, value.data()) == 0 ? 1 : 0;
  RecordProperty("found_here", static_cast<int>(ours));
  RecordProperty("found_by_the_kernel", static_cast<int>(theirs));
  // The kernel draws another seed for every map: of 100 values one filter finds 170 of the others, the next 130 or 210.
  if (entries >= 100) {
    EXPECT_LE(ours, 2 * theirs + 120);
  }
}

TEST(BloomFilter, AnswersAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  const auto map = std::move(*make_map(spec_of(8, 100, 0), 1));
  auto& filter = dynamic_cast<BloomFilter&>(*map);
  const testing_support::KernelMap theirs(BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 100, 0);
  ASSERT_GE(theirs.fd(), 0);
  std::uint64_t value = 7;
  auto* const bytes = reinterpret_cast<std::byte*>(&value);
  EXPECT_EQ(map->read(nullptr, bytes), theirs.lookup(nullptr, &value));
  for (std::uint64_t mode = 1; mode < 5; ++mode) {
    EXPECT_EQ(map->write(nullptr, bytes, static_cast<UpdateMode>(mode)), theirs.update(nullptr, &value, mode)) << mode;
  }
  EXPECT_EQ(map->write(nullptr, bytes, UpdateMode::kAny), theirs.update(nullptr, &value, 0));
  EXPECT_EQ(map->read(nullptr, bytes), theirs.lookup(nullptr, &value));
  EXPECT_EQ(value, 7U);
  EXPECT_EQ(map->erase(nullptr), theirs.erase(nullptr));
  EXPECT_EQ(filter.pop(bytes), -EOPNOTSUPP);
  map->freeze();
  ASSERT_EQ(theirs.freeze(), 0);
  EXPECT_EQ(map->write(nullptr, bytes, UpdateMode::kAny), theirs.update(nullptr, &value, 0));
  EXPECT_EQ(map->read(nullptr, bytes), theirs.lookup(nullptr, &value));
}

TEST(BloomFilter, HowManyBitsAValueSetsIsJudgedAsTheKernelDoes) {
  SLUICE_NEEDS_BPF();
  for (std::uint32_t hashes = 0; hashes < 20; ++hashes) {
    const testing_support::KernelMap theirs(BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 100, 0, 0, hashes);
    EXPECT_EQ(make_map(spec_of(8, 100, hashes), 1).has_value(), theirs.fd() >= 0) << hashes;
  }
}

}  // namespace
}  // namespace sluice::vm::testing
