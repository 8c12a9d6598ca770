// Verdicts on the stack, spills, copies, and states that must be kept apart.
#include "tests/unit/verifier/verdict_rows.h"

namespace sluice::verifier::testing {
namespace {

const VerdictRow kRows[] = {
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
};

}  // namespace

std::span<const VerdictRow> stack_rows() { return kRows; }

}  // namespace sluice::verifier::testing
