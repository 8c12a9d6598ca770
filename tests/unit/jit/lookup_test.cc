// Look-ups that generated code does without the helper find what Map::lookup finds.
#include "jit/x86_64/lookup.h"

#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "jit/compile.h"
#include "tests/support/programs.h"

namespace sluice::jit {
namespace {

using testing_support::fake_helpers;
using testing_support::permissive_facts;
using testing_support::program_from_asm;
using testing_support::unverified;

std::shared_ptr<vm::Map> map_of(vm::MapType type, std::uint32_t key_size, unsigned cpus) {
  const std::uint32_t flags = type == vm::MapType::kLpmTrie ? vm::kMapNoPrealloc : 0;
  auto map = vm::make_map(
      {.name = "m", .type = type, .key_size = key_size, .value_size = 12, .max_entries = 64, .flags = flags}, cpus);
  if (!map) ADD_FAILURE() << map.error().message;
  return std::move(map).value();
}

// r1 = the key.
CompiledProgram lookup_in(const std::shared_ptr<vm::Map>& map, x86_64::Features features) {
  vm::LoadedProgram program = program_from_asm("mov r2, r1\nlddw_map r1, 0\ncall 1\nexit", vm::memory_type(), {map});
  vm::Facts facts = permissive_facts(program);
  facts.insns[3].map = 0;
  Result<CompiledProgram> code =
      compile_for(unverified(std::move(program), std::move(facts)), fake_helpers(), features);
  if (!code) ADD_FAILURE() << code.error().message;
  return std::move(code).value();
}

std::vector<std::byte> key_number(vm::MapType type, std::uint32_t key_size, std::uint32_t number) {
  std::vector<std::byte> key(key_size);
  vm::Prng random{number};
  for (std::byte& b : key) b = static_cast<std::byte>(random.next());
  if (type == vm::MapType::kLpmTrie) {
    const std::uint32_t bits = (key_size - 4) * 8;
    std::memcpy(key.data(), &bits, sizeof bits);
  }
  return key;
}

void expect_same(vm::MapType type, std::uint32_t key_size, x86_64::Features features) {
  constexpr unsigned kCpus = 3;
  const std::shared_ptr<vm::Map> map = map_of(type, key_size, kCpus);
  const std::vector<std::byte> value(12, std::byte{7});
  for (std::uint32_t n = 0; n < 50; ++n) {
    ASSERT_EQ(map->update(key_number(type, key_size, n).data(), value.data(), vm::UpdateMode::kAny, 0), 0);
  }
  const CompiledProgram code = lookup_in(map, features);
  for (std::uint32_t n = 0; n < 100; ++n) {
    std::vector<std::byte> key = key_number(type, key_size, n);
    for (std::uint32_t cpu = 0; cpu < kCpus; ++cpu) {
      vm::ExecEnv env{.cpu = cpu};
      const std::byte* const expected = map->lookup(key.data(), cpu);
      ASSERT_EQ(expected != nullptr, n < 50);
      ASSERT_EQ(code.memory()(key.data(), key_size, &env), reinterpret_cast<std::uint64_t>(expected))
          << key_size << " bytes, key " << n << ", cpu " << cpu;
    }
  }
}

TEST(DirectLookup, FindsInHashesWithKeysOfEverySize) {
  for (const vm::MapType type :
       {vm::MapType::kHash, vm::MapType::kPercpuHash, vm::MapType::kLruHash, vm::MapType::kLruPercpuHash}) {
    for (std::uint32_t key_size = 2; key_size <= 44; ++key_size) {
      expect_same(type, key_size, x86_64::detect_features());
    }
  }
}

TEST(DirectLookup, FindsInHashesOnACpuWithoutCrc32) {
  expect_same(vm::MapType::kHash, 8, {});
  expect_same(vm::MapType::kPercpuHash, 8, {});
  expect_same(vm::MapType::kLruHash, 8, {});
  expect_same(vm::MapType::kLruPercpuHash, 8, {});
}

// Generated code marks what it finds: a key it looks up survives a flood that replaces all others.
TEST(DirectLookup, IsUseOfAnElementOfAnLruMap) {
  for (const vm::MapType type : {vm::MapType::kLruHash, vm::MapType::kLruPercpuHash}) {
    for (const x86_64::Features features : {x86_64::detect_features(), x86_64::Features{}}) {
      const std::shared_ptr<vm::Map> map = map_of(type, 8, 2);
      const CompiledProgram code = lookup_in(map, features);
      const std::vector<std::byte> value(12);
      std::vector<std::byte> kept = key_number(type, 8, 0);
      ASSERT_EQ(map->update(kept.data(), value.data(), vm::UpdateMode::kAny, 0), 0);
      for (std::uint32_t n = 1; n < 1000; ++n) {
        vm::ExecEnv env;
        if (n % 16 == 0) {
          ASSERT_NE(code.memory()(kept.data(), 8, &env), 0U) << n;
        }
        ASSERT_EQ(map->update(key_number(type, 8, n).data(), value.data(), vm::UpdateMode::kAny, 0), 0);
      }
    }
  }
}

TEST(DirectLookup, FindsInLpmTries) {
  expect_same(vm::MapType::kLpmTrie, 8, x86_64::detect_features());
  expect_same(vm::MapType::kLpmTrie, 20, x86_64::detect_features());
}

// Prefixes of all lengths that crowd, so that some are in the index's first table, some in those below and some behind
// a walk; keys of full length and shorter.
void expect_longest_prefixes(std::uint32_t max_entries) {
  for (const std::uint32_t bytes : {3U, 4U, 16U}) {
    const std::shared_ptr<vm::Map> map = std::move(*vm::make_map({.name = "m",
                                                                  .type = vm::MapType::kLpmTrie,
                                                                  .key_size = 4 + bytes,
                                                                  .value_size = 12,
                                                                  .max_entries = max_entries,
                                                                  .flags = vm::kMapNoPrealloc},
                                                                 1));
    vm::Prng random{bytes};
    const auto key = [&](std::uint32_t bits) {
      std::vector<std::byte> key(4 + bytes);
      std::memcpy(key.data(), &bits, sizeof bits);
      for (std::uint32_t i = 0; i < bytes; ++i) key[4 + i] = static_cast<std::byte>(random.next() % 3 * 0x55);
      return key;
    };
    const std::vector<std::byte> value(12, std::byte{7});
    for (std::uint32_t n = 0; n < 1500; ++n) {
      const auto bits = static_cast<std::uint32_t>(random.next() % (bytes * 8)) + 1;
      ASSERT_EQ(map->update(key(bits).data(), value.data(), vm::UpdateMode::kAny, 0), 0);
    }
    const CompiledProgram code = lookup_in(map, x86_64::detect_features());
    unsigned misses = 0;
    for (std::uint32_t n = 0; n < 3000; ++n) {
      std::vector<std::byte> asked =
          key(n % 3 == 0 ? static_cast<std::uint32_t>(random.next() % (bytes * 8 + 2)) : bytes * 8);
      if (n % 5 == 0) asked[4] = static_cast<std::byte>(random.next());
      vm::ExecEnv env;
      const std::byte* const expected = map->lookup(asked.data(), 0);
      misses += expected == nullptr ? 1 : 0;
      ASSERT_EQ(code.memory()(asked.data(), 4 + bytes, &env), reinterpret_cast<std::uint64_t>(expected)) << n;
    }
    EXPECT_GT(misses, 10U);
    EXPECT_LT(misses, 2000U);
  }
}

// Two sizes of the index's first table.
TEST(DirectLookup, FindsTheLongestPrefixOfKeysOfAnyLength) { expect_longest_prefixes(2000); }
TEST(DirectLookup, FindsTheLongestPrefixInLargeTries) { expect_longest_prefixes(70'000); }

TEST(DirectLookup, ThereIsNoneForMapsWithoutAView) {
  EXPECT_EQ(x86_64::lookup_function(testing_support::TestArray(4, 4), x86_64::detect_features()), nullptr);
}

}  // namespace
}  // namespace sluice::jit
