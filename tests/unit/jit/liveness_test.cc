// Which registers are read behind each instruction.
#include "jit/liveness.h"

#include <bit>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/programs.h"

namespace sluice::jit {
namespace {

using testing_support::fake_helpers;
using testing_support::unverified;

struct Case {
  const char* name;
  const char* text;
  std::size_t slot;  // of the instruction behind which they are read
  const char* live;  // their numbers
};
constexpr Case kCases[] = {
    {"the_result", "mov r0, 1\nexit", 0, "0"},
    {"nothing_behind_the_exit", "mov r0, 1\nexit", 1, ""},
    {"a_source", "mov r2, 1\nmov r0, r2\nexit", 0, "2"},
    {"not_what_is_written_first", "mov r0, 5\nmov r0, 1\nexit", 0, ""},
    {"what_is_changed", "mov r0, 5\nadd r0, 1\nexit", 0, "0"},
    {"both_operands", "mov r0, 5\nadd r0, r3\nexit", 0, "0 3"},
    {"not_for_a_number_that_nobody_reads", "mov r2, r1\nadd r2, r3\nmov r0, 0\nexit", 0, ""},
    {"sign_extending_moves_do_not_read_what_they_write", "mov r0, 1\nmovsx8 r0, r4\nexit", 0, "4"},
    {"an_endian_swap", "mov r0, 1\nbe16 r0\nexit", 0, "0"},
    {"the_address_of_a_load", "mov r3, r1\nldxw r0, [r3]\nexit", 0, "3"},
    {"loads_are_done", "mov r3, r1\nldxw r4, [r3]\nmov r0, 0\nexit", 0, "3"},
    {"address_and_source_of_a_store", "mov r0, 0\nstxw [r3], r4\nexit", 0, "0 3 4"},
    {"the_address_of_a_stored_number", "mov r0, 0\nstw [r3], 4\nexit", 0, "0 3"},
    {"what_atomics_may_exchange", "mov r0, 0\natomic_cmpxchg64 [r3], r4\nexit", 0, "0 3 4"},
    {"atomics_keep_their_operand", "mov r4, 1\natomic_fetch_add64 [r3], r4\nmov r0, r4\nexit", 0, "0 3 4"},
    {"a_number_of_two_slots", "mov r0, 0\nlddw r0, 1\nexit", 0, ""},
    {"both_sides_of_a_branch", "mov r0, 0\njeq r1, 0, there\nmov r0, r2\nthere:\nexit", 0, "0 1 2"},
    {"the_operands_of_a_branch", "mov r0, 0\njeq r1, r5, there\nthere:\nexit", 0, "0 1 5"},
    {"where_a_jump_goes", "mov r2, 1\nja there\nmov r0, 3\nexit\nthere:\nmov r0, r2\nexit", 0, "2"},
    {"around_a_loop", "mov r0, 0\nagain:\nadd r0, r3\nadd r3, -1\nmov r4, r5\njne r3, 0, again\nexit", 2, "0 3"},
    {"through_a_loop_from_behind", "mov r0, 0\nagain:\nmov r2, r6\nmov r6, r7\nadd r0, r2\njlt r0, 9, again\nexit", 2,
     "0 2 6 7"},
    {"arguments_of_a_helper", "mov r0, 0\ncall 5\nexit", 0, "1 2 3 4 5"},
    {"saved_registers_over_a_helper", "mov r6, 0\ncall 5\nmov r0, r6\nexit", 0, "1 2 3 4 5 6"},
    {"no_arguments_behind_a_helper", "mov r1, 0\ncall 5\nadd r0, r1\nexit", 1, "0 1"},
    {"a_local_call", "mov r6, 0\ncall_local f\nadd r0, r6\nexit\nf:\nmov r0, 0\nexit", 0, "1 2 3 4 5 6"},
    {"of_the_callee_only_its_result", "call_local f\nadd r0, r6\nexit\nf:\nmov r6, 0\nmov r0, 0\nexit", 3, ""},
};

class Liveness : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, Liveness, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(Liveness, IsWhatIsReadBehind) {
  const vm::VerifiedProgram program = unverified(GetParam().text);
  Result<Lowered> lowered = lower(program, fake_helpers());
  ASSERT_TRUE(lowered) << lowered.error().message;
  find_live(*lowered, [](const Op&) { return kArguments; });
  std::string live;
  for (unsigned r = 0; r < vm::kRegisters; ++r) {
    if ((lowered->ops[GetParam().slot].live >> r & 1) == 0) continue;
    live += (live.empty() ? "" : " ") + std::to_string(r);
  }
  EXPECT_EQ(live, GetParam().live);
}

// Each jump goes back to the block before it, so that what is read is found against the order of slots.
TEST(Liveness, IsFoundInProgramsThatRunBackwards) {
  constexpr unsigned kBlocks = 300'000;
  vm::LoadedProgram program;
  program.type = &vm::memory_type();
  program.insns = {{0xb7, 0, 0, 0, 0}, {0x06, 0, 0, 0, 2 * kBlocks}};  // mov r0, 0; goto the last block
  program.insns.push_back({0x0f, 0, 6, 0, 0});                         // add r0, r6
  program.insns.push_back({0x95, 0, 0, 0, 0});                         // exit
  for (unsigned i = 0; i < kBlocks; ++i) {
    program.insns.push_back({0xbf, 7, 1, 0, 0});   // mov r7, r1
    program.insns.push_back({0x05, 0, 0, -4, 0});  // ja to the block before
  }
  vm::Facts facts = testing_support::permissive_facts(program);
  const vm::VerifiedProgram verified = unverified(std::move(program), std::move(facts));
  Result<Lowered> lowered = lower(verified, fake_helpers());
  ASSERT_TRUE(lowered) << lowered.error().message;
  find_live(*lowered, [](const Op&) { return kArguments; });
  EXPECT_EQ(lowered->ops[0].live, 1U << 0 | 1U << 6);
  EXPECT_EQ(lowered->ops.back().live, 1U << 0 | 1U << 6);
}

TEST(Liveness, AsksWhatACallReads) {
  const vm::VerifiedProgram program = unverified("mov r0, 0\ncall 5\nexit");
  Result<Lowered> lowered = lower(program, fake_helpers());
  ASSERT_TRUE(lowered) << lowered.error().message;
  find_live(*lowered, [](const Op& op) { return static_cast<std::uint16_t>(op.helper->id == 5 ? 1U << 2 : 0); });
  EXPECT_EQ(lowered->ops[0].live, 1U << 2);
}

}  // namespace
}  // namespace sluice::jit
