// Verdicts on structure, registers, context, arithmetic on pointers.
#include "tests/unit/verifier/verdict_rows.h"

namespace sluice::verifier::testing {
namespace {

const VerdictRow kRows[] = {
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
};

}  // namespace

std::span<const VerdictRow> basics_rows() { return kRows; }

}  // namespace sluice::verifier::testing
