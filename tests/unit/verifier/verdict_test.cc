// Small programs with the verdict each must get: one idea a program. Rows without a remark get the same verdict from
// Linux 6.18.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/verifier/cases.h"
#include "verifier/require.h"

namespace sluice::verifier {
namespace {

using testing::verdict;

struct Row {
  const char* name;
  const char* expected;  // "accepted" or the code
  const char* text;
};

class Verdict : public ::testing::TestWithParam<Row> {};

TEST_P(Verdict, IsTheExpectedOne) {
  const Row& row = GetParam();
  EXPECT_EQ(verdict(row.text), row.expected);
}

const Row kRows[] = {
    // --- structure ---
    {"returns_a_constant", "accepted", R"(
      mov r0, 2
      exit)"},
    {"falls_off_the_end", "falls-off-end", R"(
      mov r0, 2)"},
    {"unreachable_code", "unreachable-code", R"(
      mov r0, 2
      exit
      mov r0, 1
      exit)"},
    {"jump_into_the_middle_of_lddw", "bad-jump", R"(
      mov r0, 0
      jeq r1, 0, +1
      lddw r0, 5
      exit)"},
    {"jump_out_of_the_program", "bad-jump", R"(
      mov r0, 0
      jeq r1, 0, +7
      exit)"},
    {"recursion", "recursion", R"(
      mov r0, 0
      call_local sub
      exit
    sub:
      call_local sub
      exit)"},
    {"unknown_opcode", "bad-insn", R"(
      mov r0, 0
      ?? ff00000000000000
      exit)"},
    {"legacy_load", "bad-insn", R"(
      mov r6, r1
      ldabsw 0
      mov r0, 0
      exit)"},
    {"shift_by_64", "bad-shift", R"(
      mov r0, 1
      lsh r0, 64
      exit)"},
    {"shift_by_32_of_32", "bad-shift", R"(
      mov r0, 1
      lsh32 r0, 32
      exit)"},
    {"division_by_zero_constant", "div-by-zero", R"(
      mov r0, 1
      div r0, 0
      exit)"},
    {"division_by_unknown", "accepted", R"(
      call 7
      mov r1, r0
      mov r0, 100
      div r0, r1
      exit)"},
    // --- registers ---
    {"uninitialised_return", "uninit-read", R"(
      exit)"},
    {"uninitialised_operand", "uninit-read", R"(
      mov r0, r3
      exit)"},
    {"uninitialised_on_one_path", "uninit-read", R"(
      ldxw r2, [r1+12]
      jeq r2, 1, skip
      mov r0, 1
    skip:
      exit)"},
    {"argument_registers_die_at_a_call", "uninit-read", R"(
      call 7
      ldxw r0, [r1+12]
      exit)"},
    {"write_to_r10", "frame-pointer", R"(
      mov r10, 0
      mov r0, 0
      exit)"},
    // Linux lets root return a pointer.
    {"returns_a_pointer", "return-value", R"(
      mov r0, r1
      exit)"},
    // --- context ---
    {"reads_every_plain_field", "accepted", R"(
      ldxw r0, [r1+0]
      ldxw r0, [r1+4]
      ldxw r0, [r1+8]
      ldxw r0, [r1+12]
      ldxw r0, [r1+16]
      exit)"},
    {"reads_egress_ifindex", "ctx-access", R"(
      ldxw r0, [r1+20]
      exit)"},
    {"reads_8_bytes_of_context", "ctx-access", R"(
      ldxdw r0, [r1+0]
      exit)"},
    {"reads_between_fields", "ctx-access", R"(
      ldxw r0, [r1+2]
      exit)"},
    {"reads_past_the_context", "ctx-access", R"(
      ldxw r0, [r1+24]
      exit)"},
    {"reads_context_on_one_path_only", "ctx-access", R"(
      mov r0, 0
      ldxw r2, [r1+12]
      jeq r2, 7, load
      mov r1, r10
      add r1, -16
      load: ldxw r2, [r1+8]
      exit)"},
    {"reads_an_address_sign_extended", "ctx-access", R"(
      ldxsw r0, [r1+4]
      exit)"},
    {"writes_the_context", "ctx-access", R"(
      mov r0, 0
      stxw [r1+12], r0
      exit)"},
    {"reads_through_a_moved_context_pointer", "ctx-access", R"(
      add r1, 4
      ldxw r0, [r1+8]
      exit)"},
    {"reads_context_at_variable_offset", "ctx-access", R"(
      ldxw r2, [r1+12]
      and r2, 4
      add r1, r2
      ldxw r0, [r1+12]
      exit)"},
    // --- packet ---
    {"packet_read_after_check", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      ldxh r0, [r2+12]
    out:
      exit)"},
    {"packet_read_one_past_check", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      ldxh r0, [r2+13]
    out:
      exit)"},
    {"packet_read_on_the_wrong_way", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt r4, r3, bad
      exit
    bad:
      ldxb r0, [r2+0]
      exit)"},
    {"packet_read_without_check", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxb r0, [r2+0]
      exit)"},
    {"packet_check_ge", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 13
      mov r0, 1
      jge r4, r3, out
      ldxb r0, [r2+13]
    out:
      exit)"},
    {"packet_check_lt", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 13
      mov r0, 1
      jlt r4, r3, good
      exit
    good:
      ldxb r0, [r2+13]
      exit)"},
    {"packet_check_le", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jle r4, r3, good
      exit
    good:
      ldxb r0, [r2+13]
      exit)"},
    {"packet_check_le_one_more", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jle r4, r3, good
      exit
    good:
      ldxb r0, [r2+14]
      exit)"},
    {"packet_check_end_first_lt", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jlt r3, r4, out
      ldxb r0, [r2+13]
    out:
      exit)"},
    {"packet_check_end_first_le", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 13
      mov r0, 1
      jle r3, r4, out
      ldxb r0, [r2+13]
    out:
      exit)"},
    {"packet_check_end_first_gt", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 13
      mov r0, 1
      jgt r3, r4, good
      exit
    good:
      ldxb r0, [r2+13]
      exit)"},
    {"packet_check_end_first_ge", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jge r3, r4, good
      exit
    good:
      ldxb r0, [r2+13]
      exit)"},
    {"packet_check_end_first_ge_one_more", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jge r3, r4, good
      exit
    good:
      ldxb r0, [r2+14]
      exit)"},
    {"packet_check_signed_teaches_nothing", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jsgt r4, r3, out
      ldxb r0, [r2+0]
    out:
      exit)"},
    {"packet_check_32_bit_teaches_nothing", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt32 r4, r3, out
      ldxb r0, [r2+0]
    out:
      exit)"},
    {"packet_write", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      stxw [r2+3], r0
      sth [r2+12], 8
    out:
      exit)"},
    {"packet_variable_offset", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 34
      mov r0, 1
      jgt r4, r3, out
      ldxb r5, [r2+14]
      and r5, 15
      lsh r5, 2
      add r2, r5
      mov r4, r2
      add r4, 34
      jgt r4, r3, out
      ldxh r0, [r2+32]
    out:
      exit)"},
    {"packet_variable_offset_loses_the_check", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 94
      mov r0, 1
      jgt r4, r3, out
      ldxb r5, [r2+14]
      and r5, 15
      add r2, r5
      ldxb r0, [r2+0]
    out:
      exit)"},
    {"packet_variable_offset_without_bound", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      ldxw r5, [r1+12]
      mov r0, 1
      add r2, r5
      mov r4, r2
      add r4, 1
      jgt r4, r3, out
      ldxb r0, [r2+0]
    out:
      exit)"},
    {"packet_negative_offset", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      ldxb r0, [r2-1]
    out:
      exit)"},
    {"packet_back_to_the_start", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      add r2, 14
      mov r0, 1
      jgt r2, r3, out
      ldxb r0, [r2-14]
    out:
      exit)"},
    {"packet_pointer_dies_at_adjust_head", "uninit-read", R"(
      mov r6, r1
      ldxw r7, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r7
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      mov r2, 4
      call 44
      ldxb r0, [r7+0]
    out:
      exit)"},
    {"packet_pointer_in_stack_dies_at_adjust_head", "uninit-read", R"(
      mov r6, r1
      ldxw r7, [r1+0]
      ldxw r3, [r1+4]
      stxdw [r10-8], r7
      mov r4, r7
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      mov r2, 4
      call 44
      ldxdw r7, [r10-8]
      ldxb r0, [r7+0]
    out:
      exit)"},
    {"packet_end_is_no_address", "not-a-pointer", R"(
      ldxw r3, [r1+4]
      ldxb r0, [r3-1]
      exit)"},
    {"packet_end_arithmetic", "ptr-arithmetic", R"(
      ldxw r3, [r1+4]
      add r3, 1
      mov r0, 0
      exit)"},
    {"packet_length_by_subtraction", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r0, [r1+4]
      sub r0, r2
      exit)"},
    {"metadata_after_check", "accepted", R"(
      ldxw r2, [r1+8]
      ldxw r3, [r1+0]
      mov r4, r2
      add r4, 4
      mov r0, 1
      jgt r4, r3, out
      ldxw r0, [r2+0]
    out:
      exit)"},
    {"metadata_against_data_end", "pkt-bounds", R"(
      ldxw r2, [r1+8]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 4
      mov r0, 1
      jgt r4, r3, out
      ldxw r0, [r2+0]
    out:
      exit)"},
    {"metadata_against_moved_data", "pkt-bounds", R"(
      ldxw r2, [r1+8]
      ldxw r3, [r1+0]
      add r3, 4
      mov r4, r2
      add r4, 4
      mov r0, 1
      jgt r4, r3, out
      ldxw r0, [r2+0]
    out:
      exit)"},
    {"packet_loop_by_constant", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r0, 0
      mov r5, 0
    loop:
      mov r4, r2
      add r4, 1
      jgt r4, r3, out
      ldxb r4, [r2+0]
      add r0, r4
      add r2, 1
      add r5, 1
      jlt r5, 100, loop
    out:
      exit)"},
    // --- pointer arithmetic ---
    {"pointer_add_32", "ptr-arithmetic", R"(
      mov r0, 0
      add32 r1, 1
      exit)"},
    {"pointer_or", "ptr-arithmetic", R"(
      mov r0, 0
      mov r2, r10
      or r2, 1
      exit)"},
    {"pointer_multiplied", "ptr-arithmetic", R"(
      mov r0, 0
      mul r1, 2
      exit)"},
    {"number_minus_pointer", "ptr-arithmetic", R"(
      mov r0, 0
      sub r0, r1
      mov r0, 0
      exit)"},
    {"pointer_plus_pointer", "ptr-arithmetic", R"(
      mov r2, r10
      add r2, r1
      mov r0, 0
      exit)"},
    {"map_arithmetic", "ptr-arithmetic", R"(
      lddw_map r2, 0
      add r2, 8
      mov r0, 0
      exit)"},
    {"pointer_offset_too_large", "ptr-arithmetic", R"(
      mov r2, r10
      add r2, 0x20000000
      mov r0, 0
      exit)"},
    {"number_as_address", "not-a-pointer", R"(
      mov r2, 4096
      ldxb r0, [r2+0]
      exit)"},
    {"pointer_moved_in_32_bits_is_a_number", "not-a-pointer", R"(
      mov32 r2, r10
      ldxb r0, [r2-1]
      exit)"},
    // --- stack ---
    {"stack_write_and_read", "accepted", R"(
      mov r0, 7
      stxdw [r10-8], r0
      ldxdw r0, [r10-8]
      exit)"},
    {"stack_whole", "accepted", R"(
      stdw [r10-512], 0
      ldxdw r0, [r10-512]
      exit)"},
    {"stack_below", "stack-bounds", R"(
      stdw [r10-520], 0
      mov r0, 0
      exit)"},
    {"stack_above", "stack-bounds", R"(
      stdw [r10+0], 0
      mov r0, 0
      exit)"},
    {"stack_misaligned", "stack-align", R"(
      stdw [r10-12], 0
      mov r0, 0
      exit)"},
    {"stack_read_uninitialised", "accepted", R"(
      ldxdw r0, [r10-8]
      exit)"},
    {"stack_spilled_pointer_comes_back", "accepted", R"(
      stxdw [r10-8], r1
      ldxdw r2, [r10-8]
      ldxw r0, [r2+12]
      exit)"},
    {"stack_half_overwritten_pointer", "not-a-pointer", R"(
      stxdw [r10-8], r1
      stw [r10-8], 0
      ldxdw r2, [r10-8]
      ldxw r0, [r2+12]
      exit)"},
    {"stack_pointer_in_4_bytes", "ptr-spill", R"(
      stxw [r10-8], r1
      mov r0, 0
      exit)"},
    {"stack_byte_of_a_pointer", "ptr-spill", R"(
      stxdw [r10-8], r1
      ldxb r0, [r10-8]
      exit)"},
    {"stack_variable_read", "accepted", R"(
      stdw [r10-16], 0
      stdw [r10-8], 0
      ldxw r2, [r1+12]
      and r2, 7
      mov r3, r10
      add r3, -16
      add r3, r2
      ldxb r0, [r3+0]
      exit)"},
    {"stack_variable_out_of_bounds", "stack-bounds", R"(
      ldxw r2, [r1+12]
      and r2, 31
      mov r3, r10
      add r3, -16
      add r3, r2
      ldxb r0, [r3+0]
      exit)"},
    {"stack_variable_unbounded", "stack-bounds", R"(
      ldxw r2, [r1+12]
      mov r3, r10
      add r3, r2
      ldxb r0, [r3-8]
      exit)"},
    {"stack_pointer_minus_a_number", "ptr-arithmetic", R"(
      mov r3, r10
      sub r3, 8
      mov r0, 0
      stxdw [r3+0], r0
      exit)"},
    {"stack_variable_write_forgets_a_pointer", "not-a-pointer", R"(
      stxdw [r10-8], r1
      ldxw r2, [r1+12]
      and r2, 7
      mov r3, r10
      add r3, -8
      add r3, r2
      stb [r3+0], 0
      ldxdw r2, [r10-8]
      ldxw r0, [r2+12]
      exit)"},
    {"stack_bounds_kept_through_a_spill", "accepted", R"(
      ldxw r2, [r1+12]
      and r2, 3
      stxdw [r10-8], r2
      stdw [r10-16], 0
      ldxdw r4, [r10-8]
      mov r3, r10
      add r3, -16
      add r3, r4
      ldxb r0, [r3+0]
      exit)"},
    {"stack_bounds_found_after_a_spill", "accepted", R"(
      ldxw r2, [r1+12]
      stxdw [r10-8], r2
      mov r0, 0
      jgt r2, 7, out
      stdw [r10-16], 0
      ldxdw r4, [r10-8]
      mov r3, r10
      add r3, -16
      add r3, r4
      ldxb r0, [r3+0]
    out:
      exit)"},
    {"copy_learns_with_the_original", "accepted", R"(
      ldxw r2, [r1+12]
      mov r4, r2
      mov r0, 0
      jgt r4, 7, out
      stdw [r10-8], 0
      mov r3, r10
      add r3, -8
      add r3, r2
      ldxb r0, [r3+0]
    out:
      exit)"},
    {"copy_plus_a_constant_learns_too", "accepted", R"(
      ldxw r2, [r1+12]
      mov r4, r2
      add r4, 1
      mov r0, 0
      jgt r4, 7, out
      stdw [r10-8], 0
      mov r3, r10
      add r3, -8
      add r3, r2
      ldxb r0, [r3+0]
    out:
      exit)"},
    {"copy_times_a_constant_does_not_learn", "stack-bounds", R"(
      ldxw r2, [r1+12]
      mov r4, r2
      mul r4, 2
      mov r0, 0
      jgt r4, 7, out
      stdw [r10-8], 0
      mov r3, r10
      add r3, -8
      add r3, r2
      ldxb r0, [r3+0]
    out:
      exit)"},
    {"register_r11", "bad-insn", R"(
      mov r0, 0
      mov r11, 0
      exit)"},
    {"lddw_cut_short", "bad-insn", R"(
      mov r0, 0
      ?? 1800000000000000)"},
    {"lddw_of_a_variable", "bad-insn", R"(
      lddw_variable r0, 1
      mov r0, 0
      exit)"},
    {"call_out_of_the_program", "bad-call", R"(
      mov r0, 0
      call_local +9
      exit)"},
    {"call_of_a_kernel_function", "unknown-function", R"(
      call_kfunc 5
      mov r0, 0
      exit)"},
    {"helper_scalar_wanted", "arg-type", R"(
      mov r2, 0
      mov r3, r10
      add r3, -8
      mov r4, r10
      call 189
      mov r0, 0
      exit)"},
    {"helper_size_negative", "arg-size", R"(
      ldxw r4, [r1+12]
      mov r2, 0
      mov r3, r10
      add r3, -64
      and r4, 31
      sub r4, 4
      call 189
      mov r0, 0
      exit)"},
    {"pointer_at_a_variable_stack_offset", "ptr-spill", R"(
      ldxw r2, [r1+12]
      and r2, 8
      mov r3, r10
      add r3, -16
      add r3, r2
      stxdw [r3+0], r1
      mov r0, 0
      exit)"},
    {"pointer_as_atomic_operand", "ptr-leak", R"(
      stdw [r10-8], 0
      atomic_xchg64 [r10-8], r1
      mov r0, 0
      exit)"},
    {"call_passes_a_bounded_number", "accepted", R"(
      ldxw r1, [r1+12]
      and r1, 7
      call_local sub
      exit
    sub:
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      add r2, r1
      ldxb r0, [r2+0]
      exit)"},
    {"states_that_differ_in_a_needed_number_are_both_walked", "stack-bounds", R"(
      ldxw r2, [r1+12]
      mov r6, 0
      jeq r2, 1, join
      mov r6, 9
    join:
      stdw [r10-8], 0
      mov r3, r10
      add r3, -8
      add r3, r6
      ldxb r0, [r3+0]
      exit)"},
    {"states_that_differ_in_a_spilled_number_are_both_walked", "stack-bounds", R"(
      ldxw r2, [r1+12]
      stdw [r10-8], 0
      jeq r2, 1, join
      stdw [r10-8], 9
    join:
      stdw [r10-16], 0
      ldxdw r6, [r10-8]
      mov r3, r10
      add r3, -16
      add r3, r6
      ldxb r0, [r3+8]
      exit)"},
    {"states_that_differ_in_a_pointer_are_both_walked", "not-a-pointer", R"(
      ldxw r2, [r1+12]
      mov r6, r10
      stdw [r10-8], 0
      jeq r2, 1, join
      mov r6, 9
    join:
      ldxb r0, [r6-8]
      exit)"},
    {"states_that_differ_in_proven_bytes_are_both_walked", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      ldxw r5, [r1+12]
      mov r4, r2
      add r4, 14
      mov r0, 0
      jeq r5, 1, join
      jgt r4, r3, out
      ja deref
    join:
      mov r0, 1
    deref:
      ldxb r0, [r2+13]
    out:
      exit)"},
    {"states_that_differ_in_links_are_both_walked", "stack-bounds", R"(
      ldxw r2, [r1+12]
      ldxw r5, [r1+16]
      mov r6, r2
      jeq r5, 1, join
      ldxw r6, [r1+16]
    join:
      mov r0, 0
      jgt r6, 7, out
      stdw [r10-8], 0
      mov r3, r10
      add r3, -8
      add r3, r2
      ldxb r0, [r3+0]
    out:
      exit)"},
    // --- maps ---
    {"map_lookup_checked", "accepted", R"(
      stw [r10-4], 0
      mov r2, r10
      add r2, -4
      lddw_map r1, 0
      call 1
      jeq r0, 0, out
      ldxdw r0, [r0+8]
    out:
      exit)"},
    {"map_lookup_unchecked", "null-deref", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      ldxdw r0, [r0+0]
      exit)"},
    {"map_lookup_checked_the_wrong_way", "not-a-pointer", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      jne r0, 0, out
      ldxdw r0, [r0+0]
      exit
    out:
      mov r0, 0
      exit)"},
    {"map_lookup_copy_learns", "accepted", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      mov r6, r0
      stxdw [r10-16], r0
      mov r0, 0
      jeq r6, 0, out
      ldxdw r7, [r10-16]
      ldxdw r0, [r7+0]
    out:
      exit)"},
    {"map_other_lookup_does_not_learn", "null-deref", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      mov r6, r0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      jeq r0, 0, out
      ldxdw r0, [r6+0]
    out:
      mov r0, 0
      exit)"},
    {"map_value_past_the_end", "map-bounds", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      jeq r0, 0, out
      ldxdw r0, [r0+9]
      exit
    out:
      mov r0, 0
      exit)"},
    {"map_value_before_the_start", "map-bounds", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      jeq r0, 0, out
      ldxdw r0, [r0-8]
      exit
    out:
      mov r0, 0
      exit)"},
    {"map_value_variable_index", "accepted", R"(
      ldxw r6, [r1+12]
      lddw_map_value r2, 3, 0
      and r6, 63
      add r2, r6
      ldxb r0, [r2+0]
      exit)"},
    {"map_value_variable_index_one_too_far", "map-bounds", R"(
      ldxw r6, [r1+12]
      lddw_map_value r2, 3, 0
      and r6, 63
      add r2, r6
      ldxb r0, [r2+1]
      exit)"},
    {"map_value_arithmetic_before_null_check", "null-deref", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 1
      add r0, 8
      mov r0, 0
      exit)"},
    {"map_value_write", "accepted", R"(
      lddw_map_value r2, 3, 8
      mov r3, 5
      stxdw [r2+48], r3
      mov r0, 0
      exit)"},
    {"map_value_offset_out_of_range", "bad-map", R"(
      lddw_map_value r2, 3, 64
      mov r0, 0
      exit)"},
    {"map_number_out_of_range", "bad-map", R"(
      lddw_map r2, 99
      mov r0, 0
      exit)"},
    {"map_read_only_write", "map-access", R"(
      lddw_map_value r2, 5, 0
      stdw [r2+0], 1
      mov r0, 0
      exit)"},
    {"map_read_only_update", "map-access", R"(
      stw [r10-4], 0
      stdw [r10-16], 0
      stdw [r10-24], 0
      lddw_map r1, 5
      mov r2, r10
      add r2, -4
      mov r3, r10
      add r3, -24
      mov r4, 0
      call 2
      exit)"},
    {"map_write_only_read", "map-access", R"(
      stw [r10-4], 0
      mov r2, r10
      add r2, -4
      lddw_map r1, 7
      call 1
      jeq r0, 0, out
      ldxdw r0, [r0+0]
    out:
      exit)"},
    {"map_key_in_packet", "accepted", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      lddw_map r1, 1
      call 1
      mov r0, 0
    out:
      exit)"},
    {"map_key_in_packet_too_short", "pkt-bounds", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 7
      mov r0, 1
      jgt r4, r3, out
      lddw_map r1, 1
      call 1
      mov r0, 0
    out:
      exit)"},
    {"map_key_past_the_stack", "stack-bounds", R"(
      stw [r10-4], 0
      mov r2, r10
      add r2, -4
      lddw_map r1, 1
      call 1
      mov r0, 0
      exit)"},
    {"map_key_is_a_number", "arg-type", R"(
      mov r2, 0
      lddw_map r1, 1
      call 1
      mov r0, 0
      exit)"},
    {"map_argument_is_no_map", "arg-type", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      mov r1, 0
      call 1
      mov r0, 0
      exit)"},
    {"map_of_the_wrong_type", "arg-map-type", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 2
      call 1
      mov r0, 0
      exit)"},
    {"map_pointer_as_address", "not-a-pointer", R"(
      lddw_map r1, 0
      stw [r1+0], 0
      mov r0, 0
      exit)"},
    {"map_delete", "accepted", R"(
      stdw [r10-8], 0
      mov r2, r10
      add r2, -8
      lddw_map r1, 1
      call 3
      exit)"},
    // --- helpers ---
    {"helper_unknown", "unknown-helper", R"(
      call 9999
      exit)"},
    {"helper_context_missing", "arg-type", R"(
      mov r1, 0
      mov r2, 4
      call 44
      exit)"},
    {"helper_context_moved", "arg-type", R"(
      add r1, 4
      mov r2, 4
      call 44
      exit)"},
    {"helper_argument_uninitialised", "uninit-read", R"(
      call 44
      exit)"},
    {"helper_size_unbounded", "arg-size", R"(
      ldxw r4, [r1+12]
      mov r2, 0
      mov r3, r10
      add r3, -64
      lsh r4, 16
      call 189
      exit)"},
    {"helper_size_may_be_zero", "arg-size", R"(
      ldxw r4, [r1+12]
      mov r2, 0
      mov r3, r10
      add r3, -64
      and r4, 63
      call 189
      exit)"},
    {"helper_size_bounded", "accepted", R"(
      stdw [r10-64], 0
      stdw [r10-56], 0
      stdw [r10-48], 0
      stdw [r10-40], 0
      stdw [r10-32], 0
      stdw [r10-24], 0
      stdw [r10-16], 0
      stdw [r10-8], 0
      ldxw r4, [r1+12]
      mov r2, 0
      mov r3, r10
      add r3, -64
      and r4, 31
      add r4, 1
      call 189
      exit)"},
    {"helper_writes_past_the_stack", "stack-bounds", R"(
      mov r2, 0
      mov r3, r10
      add r3, -8
      mov r4, 9
      call 189
      exit)"},
    {"helper_fills_uninitialised_stack", "accepted", R"(
      mov r2, 0
      mov r3, r10
      add r3, -8
      mov r4, 8
      call 189
      ldxdw r0, [r10-8]
      exit)"},
    {"helper_null_with_size_zero", "accepted", R"(
      mov r1, 0
      mov r2, 0
      mov r3, 0
      mov r4, 0
      mov r5, 0
      call 28
      exit)"},
    {"helper_null_with_size_four", "arg-type", R"(
      mov r1, 0
      mov r2, 4
      mov r3, 0
      mov r4, 0
      mov r5, 0
      call 28
      exit)"},
    {"tail_call", "accepted", R"(
      lddw_map r2, 2
      mov r3, 1
      call 12
      mov r0, 2
      exit)"},
    {"tail_call_through_an_array", "arg-map-type", R"(
      lddw_map r2, 0
      mov r3, 1
      call 12
      mov r0, 2
      exit)"},
    // --- what may be stored where ---
    // Linux lets root store pointers anywhere.
    {"pointer_into_map", "ptr-leak", R"(
      lddw_map_value r2, 3, 0
      stxdw [r2+0], r10
      mov r0, 0
      exit)"},
    {"pointer_into_packet", "ptr-leak", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      stxdw [r2+0], r10
    out:
      exit)"},
    {"atomic_on_map_value", "accepted", R"(
      lddw_map_value r2, 3, 8
      mov r3, 1
      atomic_add64 [r2+0], r3
      atomic_fetch_or64 [r2+8], r3
      mov r0, 0
      exit)"},
    {"atomic_on_stack", "accepted", R"(
      stdw [r10-8], 0
      mov r3, 1
      atomic_fetch_add64 [r10-8], r3
      mov r0, r3
      exit)"},
    {"atomic_on_packet", "atomic-target", R"(
      ldxw r2, [r1+0]
      ldxw r3, [r1+4]
      mov r4, r2
      add r4, 14
      mov r0, 1
      jgt r4, r3, out
      atomic_add64 [r2+0], r0
    out:
      exit)"},
    {"atomic_on_context", "atomic-target", R"(
      mov r0, 1
      atomic_add32 [r1+12], r0
      exit)"},
    {"atomic_misaligned", "atomic-target", R"(
      lddw_map_value r2, 3, 0
      mov r0, 1
      atomic_add64 [r2+4], r0
      exit)"},
    {"atomic_compare_exchange_needs_r0", "uninit-read", R"(
      lddw_map_value r2, 3, 0
      mov r3, 1
      atomic_cmpxchg64 [r2+0], r3
      exit)"},
    // --- loops ---
    {"loop_for_ever", "infinite-loop", R"(
      mov r0, 0
    loop:
      ja loop)"},
    {"loop_until_random", "infinite-loop", R"(
    loop:
      call 7
      jne r0, 0, loop
      exit)"},
    {"loop_counted", "accepted", R"(
      mov r0, 0
      mov r1, 0
    loop:
      add r0, 3
      add r1, 1
      jlt r1, 1000, loop
      exit)"},
    {"loop_with_forks_counted", "accepted", R"(
      mov r6, 0
      mov r7, 0
    loop:
      call 7
      jset r0, 1, skip
      add r7, 1
    skip:
      add r6, 1
      jlt r6, 50, loop
      mov r0, 0
      exit)"},
    {"loop_bounded_by_unknown_with_limit", "accepted", R"(
      call 7
      and r0, 31
      mov r1, 0
    loop:
      jge r1, r0, out
      add r1, 1
      ja loop
    out:
      mov r0, 0
      exit)"},
    // --- sub-programs ---
    {"call_returns_a_number", "accepted", R"(
      mov r1, 3
      call_local sub
      exit
    sub:
      mov r0, r1
      add r0, 1
      exit)"},
    {"call_keeps_r6", "accepted", R"(
      mov r6, 5
      mov r1, 3
      call_local sub
      mov r0, r6
      exit
    sub:
      mov r6, 9
      mov r0, r6
      exit)"},
    {"call_does_not_see_the_callers_r6", "uninit-read", R"(
      mov r6, 5
      call_local sub
      exit
    sub:
      mov r0, r6
      exit)"},
    {"call_reads_the_callers_stack", "accepted", R"(
      stdw [r10-8], 4
      mov r1, r10
      add r1, -8
      call_local sub
      exit
    sub:
      ldxdw r0, [r1+0]
      exit)"},
    {"call_writes_the_callers_stack", "accepted", R"(
      mov r1, r10
      add r1, -8
      call_local sub
      ldxdw r1, [r10-8]
      mov r2, r10
      add r2, -16
      add r2, r1
      ldxb r0, [r2+0]
      exit
    sub:
      stdw [r1+0], 4
      mov r0, 0
      exit)"},
    {"call_returns_a_packet_pointer", "accepted", R"(
      mov r6, r1
      call_local sub
      ldxw r2, [r6+4]
      mov r3, r0
      add r3, 2
      mov r4, r0
      mov r0, 0
      jgt r3, r2, out
      ldxh r0, [r4+0]
    out:
      exit
    sub:
      ldxw r0, [r1+0]
      exit)"},
    {"call_returns_its_stack", "stack-escape", R"(
      call_local sub
      mov r0, 0
      exit
    sub:
      mov r0, r10
      exit)"},
    {"call_stores_its_stack_in_the_callers", "stack-escape", R"(
      mov r1, r10
      add r1, -8
      call_local sub
      mov r0, 0
      exit
    sub:
      stxdw [r1+0], r10
      mov r0, 0
      exit)"},
    {"call_moves_the_packet", "uninit-read", R"(
      ldxw r6, [r1+0]
      call_local sub
      ldxb r0, [r6+0]
      exit
    sub:
      mov r2, 0
      call 44
      exit)"},
    {"call_chain_takes_too_much_stack", "stack-depth", R"(
      stdw [r10-304], 0
      call_local sub
      mov r0, 0
      exit
    sub:
      stdw [r10-304], 0
      mov r0, 0
      exit)"},
    {"call_chain_takes_just_enough_stack", "accepted", R"(
      stdw [r10-256], 0
      call_local sub
      mov r0, 0
      exit
    sub:
      stdw [r10-256], 0
      mov r0, 0
      exit)"},
    {"tail_call_below_much_stack", "stack-depth", R"(
      stdw [r10-256], 0
      call_local sub
      mov r0, 0
      exit
    sub:
      lddw_map r2, 2
      mov r3, 0
      call 12
      mov r0, 0
      exit)"},
    {"call_depth_8", "accepted", R"(
      call_local f1
      exit
    f1: call_local f2
      exit
    f2: call_local f3
      exit
    f3: call_local f4
      exit
    f4: call_local f5
      exit
    f5: call_local f6
      exit
    f6: call_local f7
      exit
    f7: mov r0, 0
      exit)"},
    {"call_depth_9", "call-depth", R"(
      call_local f1
      exit
    f1: call_local f2
      exit
    f2: call_local f3
      exit
    f3: call_local f4
      exit
    f4: call_local f5
      exit
    f5: call_local f6
      exit
    f6: call_local f7
      exit
    f7: call_local f8
      exit
    f8: mov r0, 0
      exit)"},
};

// Demands that only programs of another type or with other helpers run into: options_test has theirs. Those of locks
// timers and records are tests/verifier's: a value's types tell of its lock. So are those of callbacks.
bool decided_elsewhere(Rule rule) {
  constexpr Rule kElsewhere[] = {Rule::kMemoryBounds,   Rule::kHelperAllowed,      Rule::kArgScalar,
                                 Rule::kRecordBounds,   Rule::kSpecialField,       Rule::kArgLock,
                                 Rule::kArgAllocSize,   Rule::kArgRecord,          Rule::kLockOwner,
                                 Rule::kLockCall,       Rule::kLockLeft,           Rule::kReferenceLeft,
                                 Rule::kArgCallback,    Rule::kArgCallbackContext, Rule::kCallbackReturn,
                                 Rule::kCallbackStatic, Rule::kCallbackTailCall,   Rule::kMapKeyBounds,
                                 Rule::kMapKeyWrite,    Rule::kArgAlign,           Rule::kArgString,
                                 Rule::kArgFormat,      Rule::kXdpSocketField,     Rule::kArgTimer,
                                 Rule::kSocketWrite,    Rule::kSocketField,        Rule::kSocketMixed,
                                 Rule::kArgSocket,      Rule::kTimerMap,           Rule::kTimerReturn};
  return std::ranges::find(kElsewhere, rule) != std::ranges::end(kElsewhere);
}

INSTANTIATE_TEST_SUITE_P(Programs, Verdict, ::testing::ValuesIn(kRows),
                         [](const auto& info) { return std::string(info.param.name); });

// Each demand is there for a reason: without it some program above gets another verdict.
TEST(Requirements, EveryRowDecidesSomeVerdict) {
  for (std::size_t i = 0; i < requirements().size(); ++i) {
    const auto rules = RuleSet::without(static_cast<Rule>(i));
    bool decides = false;
    for (const Row& row : kRows) {
      // A program that the demand does not stop may do so in another place, or not at all: it must only not be the
      // same.
      if (row.expected == requirements()[i].code)
        decides |= verdict(row.text, {}, vm::xdp_type(), rules) != row.expected;
    }
    EXPECT_TRUE(decides || decided_elsewhere(static_cast<Rule>(i))) << requirements()[i].name;
  }
}

TEST(Requirements, ACodeIsExplained) {
  for (const Requirement& row : requirements()) {
    EXPECT_NE(std::ranges::find(all_codes(), row.code, &CodeInfo::code), all_codes().end()) << row.code;
  }
}

// Cutting paths short must not change what is proven.
TEST(Pruning, DoesNotChangeAVerdict) {
  for (const Row& row : kRows) {
    if (std::string_view(row.name).starts_with("loop_with_forks")) continue;  // 2^50 paths
    EXPECT_EQ(verdict(row.text, {.prune = false}), row.expected) << row.name;
  }
}

}  // namespace
}  // namespace sluice::verifier
