#include "vm/elf_tails.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::vm {
namespace {

constexpr std::string_view kTag = "tail:";

Error error(std::string message) { return {ErrorCode::kProgram, std::move(message)}; }

bool is_prog_array(const PlacedMap& map) {
  return map.declaration.origin == MapDecl::Origin::kDeclared && map.declaration.spec.type == MapType::kProgArray;
}

void read_sections(const ElfFile& file, std::vector<PlacedMap>& maps) {
  const FunctionSymbols functions(file);
  for (const ElfSection& section : file.sections()) {
    const auto place = section.is_code && section.size != 0 ? tail_section(section.name) : std::nullopt;
    if (!place || place->id == 0) continue;
    // iproute2 loads a section as one program, which begins where the section does.
    const ElfSymbol* const program = functions.at(section.index, 0);
    const auto array =
        std::ranges::find_if(maps, [&](const PlacedMap& map) { return is_prog_array(map) && map.id == place->id; });
    if (program == nullptr || array == maps.end()) continue;  // a program that somebody else wires
    array->declaration.tails.push_back({place->key, std::string(program->name)});
  }
}

Result<void> read_tag(const Btf::Tag& tag, std::vector<PlacedMap>& maps) {
  const std::string_view text = tag.text.substr(kTag.size());
  const std::size_t slash = text.rfind('/');
  const auto key = slash == std::string_view::npos ? std::nullopt : c_number(text.substr(slash + 1));
  const auto wrong = [&tag](std::string_view what) {
    return error(
        fmt::format("{}: function \"{}\": tag \"{}\"{}", place_in(".BTF", tag.offset), tag.on, tag.text, what));
  };
  if (!key) return wrong(" is not \"tail:MAP/SLOT\"");
  const std::string_view name = text.substr(0, slash);
  const auto array = std::ranges::find_if(
      maps, [&](const PlacedMap& map) { return is_prog_array(map) && map.declaration.spec.name == name; });
  if (array == maps.end()) {
    return wrong(fmt::format(": the object declares no prog array \"{}\"", name));
  }
  array->declaration.tails.push_back({*key, std::string(tag.on)});
  return {};
}

// By key, each program once.
Result<void> put_in_order(MapDecl& map, std::string_view place) {
  std::ranges::stable_sort(map.tails, {}, &MapDecl::Tail::key);
  const auto same = std::ranges::unique(map.tails);
  map.tails.erase(same.begin(), same.end());
  const auto twice = std::ranges::adjacent_find(map.tails, {}, &MapDecl::Tail::key);
  if (twice == map.tails.end()) return {};
  return error(fmt::format("{}: map \"{}\": slot {} is for \"{}\" and for \"{}\"", place, map.spec.name, twice->key,
                           twice->program, std::next(twice)->program));
}

}  // namespace

FunctionSymbols::FunctionSymbols(const ElfFile& file) {
  for (const ElfSymbol& symbol : file.symbols()) {
    // Assembler sources leave programs without type, but then they are seen from outside.
    const bool may_be =
        symbol.type == ElfSymbol::Type::kFunction || (symbol.type == ElfSymbol::Type::kNone && !symbol.is_local);
    if (!may_be || symbol.section == 0 || symbol.section == kNoSection || symbol.name.empty()) continue;
    const ElfSymbol*& best = places_[{symbol.section, symbol.value}];
    if (best == nullptr || (best->is_local && !symbol.is_local)) best = &symbol;
  }
}

const ElfSymbol* FunctionSymbols::at(std::uint32_t section, std::uint64_t offset) const {
  const auto found = places_.find({section, offset});
  return found == places_.end() ? nullptr : found->second;
}

Result<void> read_tails(const ElfFile& file, const Btf* btf, std::vector<PlacedMap>& maps,
                        std::vector<std::string>* unread) {
  const auto told = [unread](Result<void> done) -> Result<void> {
    if (done || unread == nullptr) return done;
    unread->push_back(done.error().message);
    return {};
  };
  read_sections(file, maps);
  for (const Btf::Tag& tag : btf != nullptr ? btf->tags() : std::vector<Btf::Tag>()) {
    if (!tag.text.starts_with(kTag)) continue;
    if (auto done = told(read_tag(tag, maps)); !done) return done;
  }
  for (PlacedMap& map : maps) {
    if (auto done = told(put_in_order(map.declaration, place_in(file.sections()[map.section].name, map.offset))); !done)
      return done;
  }
  return {};
}

}  // namespace sluice::vm
