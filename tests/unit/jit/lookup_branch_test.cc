// A look-up and the branch on what it has found, translated together: both ways are taken when they should be, and the
// value's address is there where it is read.
#include <cstring>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "jit/compile.h"
#include "tests/support/programs.h"

namespace sluice::jit {
namespace {

using testing_support::fake_helpers;
using testing_support::map_of;
using testing_support::permissive_facts;
using testing_support::program_from_asm;
using testing_support::unverified;

struct Tail {
  const char* name;
  const char* text;  // behind the call
  std::uint64_t found, missed;
};
// The value is 7 and a number from 1.
constexpr std::uint64_t kValue = 7;
constexpr Tail kTails[] = {
    {"jumps_when_there_is_none", "jeq r0, 0, none\nldxdw r0, [r0]\nexit\nnone:\nmov r0, 99\nexit", kValue, 99},
    {"jumps_when_found", "jne r0, 0, found\nmov r0, 99\nexit\nfound:\nldxdw r0, [r0]\nexit", kValue, 99},
    {"asks_only_whether", "jeq r0, 0, none\nmov r0, 1\nexit\nnone:\nmov r0, 2\nexit", 1, 2},
    {"asks_only_whether_and_jumps_when_found", "jne r0, 0, found\nmov r0, 2\nexit\nfound:\nmov r0, 1\nexit", 1, 2},
    {"returns_null_as_a_number", "jeq r0, 0, none\nmov r0, 1\nnone:\nexit", 1, 0},
    {"reads_it_on_both_ways", "jne r0, 0, found\nexit\nfound:\nldxdw r0, [r0]\nexit", kValue, 0},
    {"jumps_to_what_comes_next", "jeq r0, 0, next\nnext:\nmov r1, r0\nmov r0, 1\njne r1, 0, out\nmov r0, 2\nout:\nexit",
     1, 2},
    {"compares_32_bits", "jeq32 r0, 0, none\nldxdw r0, [r0]\nexit\nnone:\nmov r0, 99\nexit", kValue, 99},
    {"compares_with_another_number",
     "jne r0, 1, other\nexit\nother:\nmov r1, r0\nmov r0, 2\njeq r1, 0, out\nmov r0, 1\nout:\nexit", 1, 2},
    {"is_a_target", "jeq r6, 0, check\ncheck:\njeq r0, 0, none\nldxdw r0, [r0]\nexit\nnone:\nmov r0, 99\nexit", kValue,
     99},
    {"moves_come_before", "mov r1, 7\nmov32 r3, r6\njne r0, 0, found\nmov r0, r3\nexit\nfound:\nmov r0, r1\nexit", 7,
     0},
    {"cuts_a_register_before",
     "lddw r7, 0x500000000\nmov r1, r7\nmov32 r1, r1\njne r0, 0, found\nmov r0, 3\nexit\n"
     "found:\nmov r0, r1\nexit",
     0, 3},
    {"three_moves_come_before",
     "mov r1, 7\nmov r2, 8\nmov r3, 9\njeq r0, 0, none\nmov r0, r1\nexit\nnone:\nmov r0, r3\nexit", 7, 9},
    // The branch is not on what was found.
    {"writes_r0_before", "mov r0, 0\njeq r0, 0, out\nmov r0, 1\nout:\nexit", 0, 0},
    // Both ways to the branch clear the upper half.
    {"cuts_a_saved_register",
     "mov32 r7, r7\njne r0, 0, found\nmov r0, r7\nexit\nfound:\nmov32 r7, r7\nmov r0, r7\nexit", 7, 7},
    {"copies_it_before", "mov r1, r0\njeq r0, 0, none\nldxdw r0, [r1]\nexit\nnone:\nmov r0, 99\nexit", kValue, 99},
    {"a_move_is_a_target",
     "jeq r6, 1, move\nmov r1, 1\nmove:\nmov r1, 2\njeq r0, 0, none\nmov r0, r1\nexit\nnone:\nmov r0, 99\nexit", 2, 99},
    {"asks_again", "jeq r0, 0, none\njeq r0, 0, none\nldxdw r0, [r0]\nexit\nnone:\nmov r0, 99\nexit", kValue, 99},
};

// The key is what r1 points to, copied to the stack or not.
constexpr const char* kHeads[] = {
    "mov r6, 0\nlddw r7, 0x500000007\nmov r2, r1\nlddw_map r1, 0\ncall 1\n",
    "mov r6, 0\nlddw r7, 0x500000007\nldxdw r3, [r1]\nstxdw [r10-16], r3\nmov r2, r10\nadd r2, -16\nlddw_map r1, "
    "0\ncall 1\n",
    // r2 is made before a jump target: where it points to is not known there.
    "mov r6, 0\nlddw r7, 0x500000007\nldxdw r3, [r1]\nstxdw [r10-16], r3\nmov r2, r10\nadd r2, -16\njeq r6, 1, "
    "go\ngo:\nlddw_map r1, 0\ncall "
    "1\n",
};

class LookupAndBranch : public ::testing::TestWithParam<Tail> {
 protected:
  static void put(vm::Map& map, std::uint64_t key) {
    std::uint64_t value[2] = {kValue, 0};
    const int error = map.update(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(value),
                                 vm::UpdateMode::kAny, 0);
    ASSERT_EQ(error, 0);
  }
  // `constant`: what the verifier says of the key, -1 = nothing.
  static void expect(const std::shared_ptr<vm::Map>& map, std::uint64_t key, bool found, std::int64_t constant = -1) {
    for (const char* const head : kHeads) {
      vm::LoadedProgram program = program_from_asm(std::string(head) + GetParam().text, vm::memory_type(), {map});
      vm::Facts facts = permissive_facts(program);
      for (std::size_t slot = 0; slot < program.insns.size(); ++slot) {
        if (program.insns[slot].opcode != 0x85) continue;
        facts.insns[slot].map = 0;
        facts.insns[slot].key_constant = constant;
      }
      const auto code = compile(unverified(std::move(program), std::move(facts)), fake_helpers());
      ASSERT_TRUE(code) << code.error().message;
      vm::ExecEnv env;
      EXPECT_EQ(code->memory()(reinterpret_cast<std::byte*>(&key), sizeof key, &env),
                found ? GetParam().found : GetParam().missed)
          << "key " << std::hex << key << " behind\n"
          << head;
    }
  }
  static constexpr std::uint64_t prefix(std::uint64_t bits, std::uint64_t first, std::uint64_t last = 0) {
    return bits | first << 32 | last << 56;
  }
};
INSTANTIATE_TEST_SUITE_P(Tails, LookupAndBranch, ::testing::ValuesIn(kTails),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(LookupAndBranch, OfArrays) {
  for (const vm::MapType type : {vm::MapType::kArray, vm::MapType::kPercpuArray}) {
    const std::shared_ptr<vm::Map> map = map_of({.type = type, .key_size = 4, .value_size = 16, .max_entries = 3});
    for (std::uint64_t key = 0; key < 3; ++key) put(*map, key);
    for (std::uint64_t key = 0; key < 5; ++key) {
      expect(map, key, key < 3);
      expect(map, key, key < 3, static_cast<std::int64_t>(key));
    }
  }
}

TEST_P(LookupAndBranch, OfHashes) {
  const std::shared_ptr<vm::Map> map =
      map_of({.type = vm::MapType::kHash, .key_size = 8, .value_size = 8, .max_entries = 3});
  put(*map, 5);
  expect(map, 5, true);
  expect(map, 6, false);
}

// Found by the first table, by what is above it, behind a walk, not at all, and with fewer bits than all.
TEST_P(LookupAndBranch, OfTriesOfIpv4Addresses) {
  for (const std::uint32_t max_entries : {8U, 1000U, 70'000U}) {
    for (const std::uint32_t value_size : {8U, 12U}) {
      const std::shared_ptr<vm::Map> map =
          map_of({.type = vm::MapType::kLpmTrie, .key_size = 8, .value_size = value_size, .max_entries = max_entries});
      put(*map, prefix(24, 10));
      put(*map, prefix(8, 11));
      put(*map, prefix(32, 12, 1));
      for (const std::int64_t constant : {-1, 32}) {
        expect(map, prefix(32, 10, 9), true, constant);
        expect(map, prefix(32, 11, 9), true, constant);
        expect(map, prefix(32, 12, 1), true, constant);
        expect(map, prefix(32, 12, 2), false, constant);
        expect(map, prefix(32, 13), false, constant);
      }
      expect(map, prefix(24, 10), true);
      expect(map, prefix(23, 10), false);
      expect(map, prefix(33, 10), false);
    }
  }
}

// More address space than a displacement reaches lies between the parts of such a map.
TEST_P(LookupAndBranch, OfATrieThatLiesFarApart) {
  const std::shared_ptr<vm::Map> map =
      map_of({.type = vm::MapType::kLpmTrie, .key_size = 8, .value_size = 256, .max_entries = 30'000'000});
  std::uint64_t value[32] = {kValue};
  const std::uint64_t key = prefix(24, 10);
  ASSERT_EQ(map->update(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(value),
                        vm::UpdateMode::kAny, 0),
            0);
  expect(map, prefix(32, 10, 1), true);
  expect(map, prefix(32, 13, 1), false);
}

}  // namespace
}  // namespace sluice::jit
