#include "tests/packaged/ask.h"

#include <algorithm>

namespace sluice::kernel {

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

}  // namespace sluice::kernel
