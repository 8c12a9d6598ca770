// Verdicts on packet bytes and metadata, proven by compares with the end.
#include "tests/unit/verifier/verdict_rows.h"

namespace sluice::verifier::testing {
namespace {

const VerdictRow kRows[] = {
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
};

}  // namespace

std::span<const VerdictRow> packet_rows() { return kRows; }

}  // namespace sluice::verifier::testing
