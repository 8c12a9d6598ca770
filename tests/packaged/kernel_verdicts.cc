// What the running kernel's verifier says of each XDP program of the objects named: a line of JSON an object,
// {"object":..., "programs":{NAME:{"accepted":true|false,"why":last line of the log}}}; "unlinked" has XDP programs
// that we cannot link, in the same form, and "unreadable" tells why we cannot read the object at all. Exit 5 when the
// kernel may not be asked.
#include <cstdio>
#include <cstring>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/kernel/peer.h"

namespace sluice::kernel {
namespace {

// By libbpf, one program at a time so that a neighbour's refusal does not matter; where libbpf does not know the
// section's name, the instructions and maps as we read them.
Verdict ask(const std::string& path, const vm::ElfObject& elf, const vm::LoadedProgram& program) {
  const std::string names[] = {program.name};
  if (auto object = Object::open(path, names)) {
    for (const vm::MapDecl& map : elf.maps) {  // as ours was
      if (map.origin == vm::MapDecl::Origin::kDeclared) (void)object->resize(map.spec.name, map.spec.max_entries);
    }
    Verdict verdict = object->load();
    if (!verdict.accepted || object->program(program.name)) return verdict;
  }
  const auto maps = create_maps(elf);
  if (!maps) return {.accepted = false, .error = 0, .log = maps.error().message};
  return load_instructions(program, *maps).verdict;
}

// Of a program that we cannot link.
Verdict ask_libbpf(const std::string& path, const std::string& program) {
  const std::string names[] = {program};
  auto object = Object::open(path, names);
  if (!object) return {.accepted = false, .error = 0, .log = object.error().message};
  return object->load();
}

// The log ends with statistics; the line before them says what is wrong.
std::string last_words(const std::string& log) {
  std::string last;
  std::size_t at = 0;
  while (at < log.size()) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    const std::string line = log.substr(at, end - at);
    if (line.starts_with("processed ")) break;
    if (!line.empty()) last = line;
    at = end + 1;
  }
  return last;
}

}  // namespace
}  // namespace sluice::kernel

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
