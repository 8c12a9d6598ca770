// What the running kernel's verifier says of each XDP program of the objects named: a line of JSON an object,
// {"object":..., "programs":{NAME:{"accepted":true|false,"why":last line of the log}}}; "unlinked" has XDP programs
// that we cannot link, in the same form, and "unreadable" tells why we cannot read the object at all. Exit 5 when the
// kernel may not be asked.
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/packaged/ask.h"

int main(int argc, char** argv) {
  using namespace sluice;  // NOLINT(google-build-using-namespace)
  if (const std::string why = kernel::unavailable(); !why.empty()) {
    std::fprintf(stderr, "%s\n", why.c_str());
    return 5;
  }
  for (int i = 1; i < argc; ++i) {
    nlohmann::json line{{"object", argv[i]}, {"programs", nlohmann::json::object()}};
    auto elf = vm::load_elf(argv[i], {.list_only = true});
    if (!elf) line["unreadable"] = elf.error().message;
    for (std::size_t m = 0; elf && m < elf->maps.size(); ++m) {  // sizes left open: what `prog verify` takes
      if (elf->maps[m].spec.max_entries == 0) elf->maps[m].spec.max_entries = 1;
    }
    for (std::size_t p = 0; elf && p < elf->programs.size(); ++p) {
      const vm::LoadedProgram& program = elf->programs[p];
      const kernel::Verdict verdict = kernel::ask(argv[i], *elf, program);
      line["programs"][program.name] = {{"accepted", verdict.accepted}, {"why", kernel::last_words(verdict.log)}};
    }
    for (std::size_t p = 0; elf && p < elf->others.size(); ++p) {
      const vm::ListedProgram& program = elf->others[p];
      if (program.why.empty()) continue;  // of another type
      const kernel::Verdict verdict = kernel::ask_libbpf(argv[i], program.name);
      line["unlinked"][program.name] = {{"accepted", verdict.accepted}, {"why", kernel::last_words(verdict.log)}};
    }
    fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return 0;
}
