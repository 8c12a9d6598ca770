// Verdicts on maps, helpers, and what may be stored where.
#include "tests/unit/verifier/verdict_rows.h"

namespace sluice::verifier::testing {
namespace {

const VerdictRow kRows[] = {
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
};

}  // namespace

std::span<const VerdictRow> maps_rows() { return kRows; }

}  // namespace sluice::verifier::testing
