// sluice exec [HEX_MEMORY]: runs a raw program given as hex on standard input and prints r0 in hex: the plug-in
// protocol of the public bpf_conformance suite.
#include <cstdio>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "dataplane/cli/common.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/pipeline/value_text.h"
#include "helpers/table.h"
#include "verifier/verifier.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kMostSlots = 1'000'000;  // BPF_COMPLEXITY_LIMIT_INSNS: no longer program can be verified

// Standard input up to the size of the largest program in hex.
std::string read_stdin() {
  std::string text;
  char buffer[4096];
  while (text.size() < kMostSlots * 32) {
    const std::size_t count = std::fread(buffer, 1, sizeof buffer, stdin);
    if (count == 0) break;
    text.append(buffer, count);
  }
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return text;
}

Result<vm::LoadedProgram> program_of(const std::string& hex) {
  const auto bytes = pipeline::parse_hex(hex);
  if (!bytes) return Error{ErrorCode::kUsage, "the program on standard input is not hex"};
  if (bytes->empty() || bytes->size() % sizeof(vm::Insn) != 0) {
    return Error{ErrorCode::kUsage,
                 fmt::format("the program has {} bytes, expected a multiple of 8 and at least 8", bytes->size())};
  }
  vm::LoadedProgram program;
  program.name = "exec";
  program.type = &vm::memory_type();
  program.insns.resize(bytes->size() / sizeof(vm::Insn));
  std::memcpy(static_cast<void*>(program.insns.data()), bytes->data(), bytes->size());
  program.subprograms = vm::subprograms_of(program.insns);
  program.license = "GPL";
  return program;
}

}  // namespace

int exec(const Exec& options) {
  const auto engine = pipeline::engine_of(options.engine);
  if (!engine) return fail(engine.error());
  auto memory = pipeline::parse_hex(options.memory_hex);
  if (!memory) return fail({ErrorCode::kUsage, "the memory is not hex"});
  auto program = program_of(read_stdin());
  if (!program) return fail(program.error());
  const vm::LoadedProgram shown = *program;
  verifier::Options limits;
  limits.memory_size = memory->size();
  verifier::Outcome outcome = verifier::verify(std::move(program).value(), helpers::table(), limits);
  if (!outcome.accepted()) {
    fmt::print(stderr, "{}", verifier::render(outcome.rejection(), shown));
    return kRejected;
  }
  const auto runner = pipeline::Runner::make(std::move(outcome).take(), *engine, helpers::table());
  if (!runner) return fail(runner.error());
  vm::ExecEnv env;
  const std::uint64_t r0 = runner->run_memory({memory->empty() ? nullptr : memory->data(), memory->size()}, env);
  if (options.common.json) {
    fmt::print("{{\"r0\":\"{:x}\"}}\n", r0);
  } else {
    fmt::print("{:x}\n", r0);
  }
  return kOk;
}

}  // namespace sluice::cli
