// Look-ups that generated code does without the helper find what Map::lookup finds.
#include "jit/x86_64/lookup.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
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
  return testing_support::map_of({.type = type, .key_size = key_size, .value_size = 12, .max_entries = 64}, cpus);
}

// r1 = the key.
CompiledProgram lookup_in(const std::shared_ptr<vm::Map>& map, x86_64::Features features, std::int64_t key = -1) {
  vm::LoadedProgram program = program_from_asm("mov r2, r1\nlddw_map r1, 0\ncall 1\nexit", vm::memory_type(), {map});
  vm::Facts facts = permissive_facts(program);
  facts.insns[3].map = 0;
  facts.insns[3].key_constant = key;
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
    const std::shared_ptr<vm::Map> map = testing_support::map_of(
        {.type = vm::MapType::kLpmTrie, .key_size = 4 + bytes, .value_size = 12, .max_entries = max_entries});
    vm::Prng random{bytes};
    const auto key = [&](std::uint32_t bits) {
      std::vector<std::byte> key(4 + bytes);
      std::memcpy(key.data(), &bits, sizeof bits);
      for (std::uint32_t i = 0; i < bytes; ++i) key[4 + i] = static_cast<std::byte>(random.next() % 3 * 0x55);
      return key;
    };
    const std::vector<std::byte> value(12, std::byte{7});
    for (std::uint32_t n = 0; n < std::min(max_entries, 1500U); ++n) {
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

// Three sizes of the index's first table.
TEST(DirectLookup, FindsTheLongestPrefixInSmallTries) { expect_longest_prefixes(200); }
TEST(DirectLookup, FindsTheLongestPrefixOfKeysOfAnyLength) { expect_longest_prefixes(2000); }
TEST(DirectLookup, FindsTheLongestPrefixInLargeTries) { expect_longest_prefixes(70'000); }

// The verifier may know the prefix length: 32, of which the JIT makes use, or another one.
TEST(DirectLookup, FindsPrefixesWhenTheirLengthIsKnown) {
  const std::shared_ptr<vm::Map> map = map_of(vm::MapType::kLpmTrie, 8, 1);
  const std::vector<std::byte> value(12);
  for (const std::uint32_t bits : {8U, 16U, 32U}) {
    const std::uint32_t prefix[2] = {bits, 0};
    ASSERT_EQ(map->update(reinterpret_cast<const std::byte*>(prefix), value.data(), vm::UpdateMode::kAny, 0), 0);
  }
  std::set<std::uint64_t> found;
  for (const std::uint32_t bits : {7U, 8U, 20U, 32U, 33U}) {
    const CompiledProgram code = lookup_in(map, x86_64::detect_features(), bits);
    for (const std::uint32_t address : {0U, 0x01000000U, 0x00010000U, 1U}) {
      std::uint32_t asked[2] = {bits, address};
      vm::ExecEnv env;
      const auto expected = reinterpret_cast<std::uint64_t>(map->lookup(reinterpret_cast<std::byte*>(asked), 0));
      EXPECT_EQ(code.memory()(reinterpret_cast<std::byte*>(asked), 8, &env), expected)
          << bits << " bits of " << address;
      found.insert(expected);
    }
  }
  EXPECT_EQ(found.size(), 4U);  // null and all three
}

// A map's address is not loaded for a look-up that does not need it, but for one that is jumped to.
TEST(DirectLookup, IsDoneFromTwoPlaces) {
  const std::shared_ptr<vm::Map> map = map_of(vm::MapType::kHash, 8, 1);
  const std::vector<std::byte> value(12);
  const std::vector<std::byte> key = key_number(vm::MapType::kHash, 8, 1);
  ASSERT_EQ(map->update(key.data(), value.data(), vm::UpdateMode::kAny, 0), 0);
  for (const bool known : {true, false}) {
    vm::LoadedProgram program = program_from_asm(R"(
        mov r6, r2
        mov r2, r1
        jeq r6, 8, here
        lddw_map r1, 0
        ja call
      here:
        lddw_map r1, 0
      call:
        call 1
        exit)",
                                                 vm::memory_type(), {map});
    vm::Facts facts = permissive_facts(program);
    if (known) facts.insns[8].map = 0;
    auto code = compile_for(unverified(std::move(program), std::move(facts)), fake_helpers(), {});
    ASSERT_TRUE(code) << code.error().message;
    for (const std::uint64_t size : {8U, 9U}) {
      vm::ExecEnv env;
      const auto expected = reinterpret_cast<std::uint64_t>(map->lookup(key.data(), 0));
      EXPECT_EQ(code->memory()(const_cast<std::byte*>(key.data()), size, &env), expected) << known << size;
    }
  }
}

TEST(DirectLookup, ThereIsNoneForMapsWithoutAView) {
  EXPECT_EQ(x86_64::lookup_function(testing_support::TestArray(4, 4), x86_64::detect_features()), nullptr);
}

}  // namespace
}  // namespace sluice::jit
