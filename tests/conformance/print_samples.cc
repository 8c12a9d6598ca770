// Prints generated cases as whole programs for `sluice exec`, a program a line: name, program in hex, memory in hex,
// and the r0 the model expects in hex, the hash of all that the cases leave. Every row of the instruction table that
// has cases is in it, with at most MOST (argument 1) cases spread evenly over its operands; rows share programs.
#include <cstdlib>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "tests/conformance/generated.h"
#include "tests/support/programs.h"

int main(int count, char** arguments) {
  using namespace sluice::testing_support;
  const std::size_t most = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 0;
  if (most == 0) {
    fmt::print(stderr, "usage: conformance_samples MOST\n");
    return 2;
  }
  std::vector<GeneratedCase> sample;
  for (const sluice::vm::InsnRow& row : sluice::vm::all_rows()) {
    std::vector<GeneratedCase> cases = cases_of(row);
    std::erase_if(cases, [](const GeneratedCase& c) { return c.refused; });
    // The last case of each stretch, so that the tables' ends are in it.
    const std::size_t taken = std::min(most, cases.size());
    for (std::size_t i = 1; i <= taken; ++i) sample.push_back(cases[i * cases.size() / taken - 1]);
  }
  for (const Batch& batch : batches(sample)) {
    const std::vector<sluice::vm::Insn> program = hashing_program(batch);
    fmt::print("{}..{} {} {} {:x}\n", batch.places.front().what.row->name, batch.places.back().what.row->name,
               to_hex(std::as_bytes(std::span(program))), to_hex(batch.before), hash(batch.after));
  }
  return 0;
}
