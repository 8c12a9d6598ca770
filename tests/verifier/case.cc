#include "tests/verifier/case.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/programs.h"
#include "vm/elf.h"

namespace sluice::testing_support {
namespace {

constexpr std::string_view kMark = "<-- refused";

[[noreturn]] void stop(const std::string& name, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", name.c_str(), what.c_str());
  std::exit(1);
}

std::string trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) stop(path, "empty or missing");
  return lines;
}

struct Header {
  std::multimap<std::string, std::string> fields;
  std::size_t lines = 0;

  [[nodiscard]] std::string field(const std::string& key) const {
    const auto found = fields.find(key);
    return found == fields.end() ? std::string{} : found->second;
  }
};

Header read_header(const std::string& name, const std::vector<std::string>& lines, std::string_view comment) {
  static constexpr std::string_view kKnown[] = {"rule", "code", "message", "why", "kernel", "type", "map"};
  Header header;
  while (header.lines < lines.size() && lines[header.lines].starts_with(comment)) {
    const std::string text = trim(std::string_view(lines[header.lines]).substr(comment.size()));
    const auto colon = text.find(':');
    const std::string key = text.substr(0, colon);
    if (colon == std::string::npos || std::ranges::find(kKnown, key) == std::ranges::end(kKnown)) {
      stop(name, "unknown field in line '" + text + "'");
    }
    header.fields.emplace(key, trim(std::string_view(text).substr(colon + 1)));
    ++header.lines;
  }
  if (header.field("why").empty()) stop(name, "says no why");
  return header;
}

const vm::ProgramType& program_type(const std::string& name, const std::string& type) {
  for (const vm::ProgramType* one :
       {&vm::xdp_type(), &vm::xdp_devmap_type(), &vm::xdp_cpumap_type(), &vm::memory_type()}) {
    if (one->name == type) return *one;
  }
  stop(name, "unknown program type '" + type + "'");
}

void read_asm(VerifierCase& one, const std::vector<std::string>& lines, const Header& header) {
  std::string text;
  std::uint32_t slot = 0;
  for (std::size_t i = header.lines; i < lines.size(); ++i) {
    if (lines[i] == "-- asm") continue;
    if (lines[i].find(kMark) != std::string::npos) one.insn = slot;
    std::string insn = trim(std::string_view(lines[i]).substr(0, lines[i].find('#')));
    if (const auto colon = insn.find(':'); colon != std::string::npos)
      insn = trim(std::string_view(insn).substr(colon + 1));
    if (!insn.empty()) slot += insn.starts_with("lddw") ? 2 : 1;
    text += lines[i] + "\n";
  }
  Maps maps;
  const auto [first, last] = header.fields.equal_range("map");
  for (auto it = first; it != last; ++it) maps.push_back(make_case_map(it->second));
  const std::string type = header.field("type");
  one.program = program_from_asm(text, program_type(one.name, type.empty() ? "xdp" : type), std::move(maps));
  one.program.license = "GPL";
}

void read_object(VerifierCase& one, const std::string& folder, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find(kMark) != std::string::npos) one.line = static_cast<std::uint32_t>(i + 1);
  }
  const std::string stem = one.name.substr(0, one.name.size() - std::string_view(".bpf.c").size());
  const auto object = vm::load_elf(std::string(SLUICE_VERIFIER_OBJECTS) + "/" + folder + "-" + stem + ".o");
  if (!object) stop(one.name, object.error().message);
  const vm::LoadedProgram* program = object->program("program");
  if (program == nullptr) stop(one.name, "holds no XDP program called 'program'");
  const auto maps = vm::make_maps(*object, 2);
  if (!maps) stop(one.name, maps.error().message);
  one.program = vm::bind(*program, *maps);
}

vm::MapSpec read_map(std::istringstream& words, const std::string& line, bool& frozen) {
  std::string type;
  vm::MapSpec spec;
  words >> type >> spec.key_size >> spec.value_size >> spec.max_entries;
  bool known = false;
  for (std::uint32_t number = 1; number <= 30 && !known; ++number) {
    spec.type = static_cast<vm::MapType>(number);
    known = vm::map_type_name(spec.type) == type;
  }
  if (!known) stop(line, "unknown map type");
  spec.name = type;
  if (type == "lpm_trie") spec.flags |= vm::kMapNoPrealloc;
  std::string word;
  while (words >> word) {
    if (word == "of") {
      spec.inner = std::make_shared<const vm::MapSpec>(read_map(words, line, frozen));
      break;
    }
    if (word == "rdonly" || word == "frozen") spec.flags |= vm::kMapReadOnlyProg;
    if (word == "wronly") spec.flags |= vm::kMapWriteOnlyProg;
    if (word == "inner") spec.flags |= vm::kMapInner;
    frozen = frozen || word == "frozen";
  }
  return spec;
}

}  // namespace

std::vector<std::string> case_names(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SLUICE_VERIFIER_DIR) + "/" + folder)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".data") || name.ends_with(".bpf.c")) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

VerifierCase read_case(const std::string& folder, const std::string& name) {
  const auto lines = lines_of(std::string(SLUICE_VERIFIER_DIR) + "/" + folder + "/" + name);
  VerifierCase one;
  one.name = name;
  one.in_c = name.ends_with(".bpf.c");
  const Header header = read_header(name, lines, one.in_c ? "// " : "# ");
  one.rule = header.field("rule");
  one.code = header.field("code");
  one.message = header.field("message");
  one.why = header.field("why");
  one.kernel = header.field("kernel");
  if (one.in_c) {
    read_object(one, folder, lines);
  } else {
    read_asm(one, lines, header);
  }
  if (folder == "reject" && !one.insn && one.line == 0) stop(name, "marks no instruction as refused");
  return one;
}

std::shared_ptr<vm::Map> make_case_map(const std::string& line) {
  bool frozen = false;
  std::istringstream words(line);
  const vm::MapSpec spec = read_map(words, line, frozen);
  auto map = vm::make_map(spec, 2);
  if (!map) stop(line, map.error().message);
  if (frozen) (*map)->freeze();
  if (auto* const outer = dynamic_cast<vm::MapOfMaps*>(map->get())) {
    const std::vector<std::byte> zero(spec.key_size);
    if (outer->set(zero.data(), std::move(*vm::make_map(*spec.inner, 2)), vm::UpdateMode::kAny) != 0) {
      stop(line, "takes no map like its own");
    }
  }
  return std::move(*map);
}

}  // namespace sluice::testing_support
