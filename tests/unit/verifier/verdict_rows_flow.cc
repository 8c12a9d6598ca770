// Verdicts on loops and sub-programs.
#include "tests/unit/verifier/verdict_rows.h"

namespace sluice::verifier::testing {
namespace {

const VerdictRow kRows[] = {
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

}  // namespace

std::span<const VerdictRow> flow_rows() { return kRows; }

}  // namespace sluice::verifier::testing
