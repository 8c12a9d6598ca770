// Keys that a program writes as numbers just before a look-up are known to the JIT; all others are not.
#include <memory>

#include <gtest/gtest.h>

#include "jit/lower.h"
#include "tests/support/programs.h"

namespace sluice::jit {
namespace {

using testing_support::fake_helpers;
using testing_support::permissive_facts;
using testing_support::program_from_asm;
using testing_support::unverified;

struct Case {
  const char* name;
  const char* text;  // behind it: map 0 is looked up with the key at r2
  std::int64_t key;
};
constexpr Case kCases[] = {
    {"upper_half_of_a_slot", "stw [r10-4], 7\nmov r2, r10\nadd r2, -4", 7},
    {"from_a_register", "mov32 r3, -1\nstxw [r10-12], r3\nmov r2, r10\nadd r2, -12", 0xffffffff},
    {"copied_twice", "mov r3, 9\nmov r4, r3\nstxw [r10-12], r4\nmov r3, r10\nmov r2, r3\nadd r2, -12", 9},
    {"through_a_copy_of_r10", "mov r3, r10\nadd r3, -16\nstw [r3+4], 3\nmov r2, r10\nadd r2, -12", 3},
    {"lower_half_of_eight_bytes", "mov r3, -2\nstxdw [r10-8], r3\nmov r2, r10\nadd r2, -8", 0xfffffffe},
    {"upper_half_of_eight_bytes", "mov r3, -2\nstxdw [r10-8], r3\nmov r2, r10\nadd r2, -4", 0xffffffff},
    {"eight_bytes_in_one_instruction", "stdw [r10-8], -2\nmov r2, r10\nadd r2, -4", 0xffffffff},
    {"the_lowest_word", "stw [r10-512], 5\nmov r2, r10\nadd r2, -512", 5},
    {"the_last_of_two", "stw [r10-4], 5\nstw [r10-4], 6\nmov r2, r10\nadd r2, -4", 6},
    {"another_word_changes", "stw [r10-4], 5\nstb [r10-5], 6\nmov r2, r10\nadd r2, -4", 5},
    {"a_branch_falls_through", "stw [r10-4], 5\nmov r2, r10\njeq r1, 0, out\nadd r2, -4", 5},
    {"not_written", "mov r2, r10\nadd r2, -4", -1},
    {"one_byte_changes", "stw [r10-4], 5\nstb [r10-1], 6\nmov r2, r10\nadd r2, -4", -1},
    {"half_overwritten", "stw [r10-8], 5\nstw [r10-4], 5\nstxw [r10-6], r1\nmov r2, r10\nadd r2, -4", -1},
    {"half_overwritten_below", "stw [r10-8], 5\nstw [r10-4], 5\nstxw [r10-6], r1\nmov r2, r10\nadd r2, -8", -1},
    {"not_aligned", "stw [r10-6], 5\nmov r2, r10\nadd r2, -6", -1},
    {"two_halves", "sth [r10-4], 5\nsth [r10-2], 5\nmov r2, r10\nadd r2, -4", -1},
    {"not_a_number", "stxw [r10-4], r1\nmov r2, r10\nadd r2, -4", -1},
    {"a_sum", "mov r3, 1\nadd r3, 1\nstxw [r10-4], r3\nmov r2, r10\nadd r2, -4", -1},
    {"a_loaded_number", "mov r3, 1\nldxw r3, [r1+0]\nstxw [r10-4], r3\nmov r2, r10\nadd r2, -4", -1},
    {"an_address_cut_to_32_bits", "stw [r10-4], 5\nmov32 r2, r10\nadd r2, -4", -1},
    {"an_atomic_addition", "mov r3, 1\nstw [r10-4], 5\natomic_add32 [r10-4], r3\nmov r2, r10\nadd r2, -4", -1},
    {"a_store_through_anything", "stw [r10-4], 5\nstw [r1+0], 6\nmov r2, r10\nadd r2, -4", -1},
    {"a_call", "stw [r10-4], 5\ncall 5\nmov r2, r10\nadd r2, -4", -1},
    {"a_jump_target", "stw [r10-4], 5\njeq r1, 0, here\nstw [r10-4], 6\nhere:\nmov r2, r10\nadd r2, -4", -1},
    {"above_the_stack", "mov r2, r10\nadd r2, 4", -1},
    {"far_below_the_stack", "mov r2, r10\nadd r2, -512\nadd r2, -512", -1},
};

class ConstantKey : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Keys, ConstantKey, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

std::int64_t key_of(const std::string& text, const std::shared_ptr<vm::Map>& map, vm::Region store) {
  vm::LoadedProgram program =
      program_from_asm(text + "\nlddw_map r1, 0\ncall 1\nout:\nmov r0, 0\nexit", vm::memory_type(), {map});
  vm::Facts facts = permissive_facts(program);
  const std::size_t call = program.insns.size() - 3;
  facts.insns[call].map = 0;
  for (vm::InsnFacts& fact : facts.insns) fact.region = store;
  const vm::VerifiedProgram verified = unverified(std::move(program), std::move(facts));
  Result<Lowered> lowered = lower(verified, fake_helpers());
  if (!lowered) {
    ADD_FAILURE() << lowered.error().message;
    return -2;
  }
  return lowered->ops[call].key;
}

std::shared_ptr<vm::Map> map_of(vm::MapType type, std::uint32_t key_size) {
  return testing_support::map_of({.type = type, .key_size = key_size, .value_size = 8, .max_entries = 8});
}

TEST_P(ConstantKey, IsKnownWhereItIsWrittenBeforeTheLookup) {
  EXPECT_EQ(key_of(GetParam().text, map_of(vm::MapType::kArray, 4), vm::Region::kUnknown), GetParam().key);
  EXPECT_EQ(key_of(GetParam().text, map_of(vm::MapType::kPercpuArray, 4), vm::Region::kStack), GetParam().key);
  EXPECT_EQ(key_of(GetParam().text, map_of(vm::MapType::kLpmTrie, 8), vm::Region::kUnknown), GetParam().key);
}

constexpr const char* kPlain = "stw [r10-4], 5\nmov r2, r10\nadd r2, -4";

TEST(ConstantKeys, AreNotThoseOfHashes) {
  EXPECT_EQ(key_of(kPlain, map_of(vm::MapType::kHash, 4), vm::Region::kUnknown), -1);
}

TEST(ConstantKeys, OutliveStoresThatAreNotToTheStack) {
  const char* const text = "stw [r10-4], 5\nstw [r1+0], 6\nmov r2, r10\nadd r2, -4";
  EXPECT_EQ(key_of(text, map_of(vm::MapType::kArray, 4), vm::Region::kPacket), 5);
  EXPECT_EQ(key_of(text, map_of(vm::MapType::kArray, 4), vm::Region::kStack), -1);
}

}  // namespace
}  // namespace sluice::jit
