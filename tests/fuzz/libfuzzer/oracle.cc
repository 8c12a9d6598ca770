#include "tests/fuzz/libfuzzer/oracle.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "helpers/table.h"
#include "tests/fuzz/generator.h"
#include "tests/support/claims.h"
#include "tests/support/programs.h"
#include "tests/verifier/case.h"
#include "verifier/verifier.h"
#include "vm/interpreter.h"

namespace sluice::fuzz {
namespace {

constexpr std::size_t kMostSlots = 256;
constexpr std::uint32_t kMostProcessed = 5'000;
constexpr std::size_t kFrameBytes = 40;

testing_support::Maps maps() {
  testing_support::Maps all;
  for (const std::string_view line : kGeneratedMaps) all.push_back(testing_support::make_case_map(std::string(line)));
  return all;
}

[[noreturn]] void stop(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

}  // namespace

void verify_and_run(std::vector<vm::Insn> insns, std::span<const std::uint8_t> frame) {
  static const testing_support::Maps kMaps = maps();
  vm::LoadedProgram program;
  program.subprograms = vm::subprograms_of(insns);
  program.insns = std::move(insns);
  program.maps = kMaps;
  program.license = "GPL";
  testing_support::Claims claims(testing_support::Claims::What::kLive, 2000);
  verifier::Options options;
  options.limits.processed = kMostProcessed;
  options.observer = &claims;
  verifier::Outcome outcome = verifier::verify(program, helpers::table(), options);
  if (!outcome.accepted()) {
    if (verifier::render(outcome.rejection(), program).empty()) stop("a refusal without words");
    return;
  }
  const vm::VerifiedProgram proven = std::move(outcome).take();
  std::vector<std::byte> bytes(kFrameBytes);
  std::memcpy(bytes.data(), frame.data(), std::min(frame.size(), bytes.size()));
  testing_support::TestFrame made(bytes);
  vm::ExecEnv env;
  const vm::RunResult result = vm::interpret(proven, made.context(), env, helpers::table(),
                                             {.checked = true, .max_insns = 100'000, .steps = &claims});
  if (result.fault) stop("insn " + std::to_string(result.fault->insn) + ": " + result.fault->what);
}

void fuzz_raw(std::span<const std::uint8_t> bytes) {
  std::vector<vm::Insn> insns(std::min(bytes.size() / sizeof(vm::Insn), kMostSlots));
  if (!insns.empty()) std::memcpy(insns.data(), bytes.data(), insns.size() * sizeof(vm::Insn));
  verify_and_run(std::move(insns), bytes);
}

void fuzz_structured(std::span<const std::uint8_t> bytes) {
  // A start that makes accesses possible: context in r6, a checked packet in r7, data_end in r8, a map value in r9.
  static const auto kStart = testing_support::program_from_asm(
                                 "mov r6, r1\nldxw r7, [r1+0]\nldxw r8, [r1+4]\nmov r0, 2\nmov r2, r7\nadd r2, 20\n"
                                 "jle r2, r8, +1\nexit\nlddw_map_value r9, 3, 0\nldxb r1, [r7+0]\nldxw r3, [r6+12]\n"
                                 "mov r4, 3\nmov r5, 8\n")
                                 .insns;
  static constexpr std::array<std::int32_t, 16> kNumbers{0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 63, 64, 255, -1, -8, -16};
  const std::span<const vm::InsnRow> rows = vm::all_rows();
  std::vector<vm::Insn> insns = kStart;
  for (std::size_t i = 0; i + 4 <= bytes.size() && insns.size() + 4 < kMostSlots; i += 4) {
    const vm::InsnRow& row = rows[(bytes[i] | (bytes[i + 3] & 1U) << 8) % rows.size()];
    vm::Insn insn{.opcode = row.opcode};
    const auto field = [](const vm::FieldRule& rule, std::int32_t value) {
      return rule.mode == vm::FieldRule::Mode::kExactly ? rule.value : value;
    };
    insn.dst = static_cast<std::uint8_t>(field(row.dst, (bytes[i + 1] & 15) % 11)) & 15;
    insn.src = static_cast<std::uint8_t>(field(row.src, (bytes[i + 1] >> 4) % 11)) & 15;
    const bool jumps = row.kind == vm::Kind::kBranch || row.kind == vm::Kind::kGoto;
    const auto small = static_cast<std::int8_t>(bytes[i + 2]);
    insn.offset = static_cast<std::int16_t>(field(row.offset, jumps ? small % 12 : small % 32));
    insn.imm = field(row.imm, bytes[i + 3] < 224 ? kNumbers[bytes[i + 3] / 2 % 16] : bytes[i + 3] * bytes[i + 2]);
    insns.push_back(insn);
    if (vm::slots(row) == 2) insns.push_back({});
  }
  insns.push_back({.opcode = 0xb7, .imm = 2});  // mov r0, 2
  insns.push_back({.opcode = 0x95});            // exit
  verify_and_run(std::move(insns), bytes);
}

}  // namespace sluice::fuzz
