#include "vm/elf.h"

#include <algorithm>

#include <fmt/format.h>

#include "vm/core_builtin.h"
#include "vm/core_relocation.h"
#include "vm/elf_file.h"
#include "vm/elf_kconfig.h"
#include "vm/elf_maps.h"
#include "vm/elf_programs.h"
#include "vm/line_info.h"
#include "vm/whole_file.h"

namespace sluice::vm {
namespace {

constexpr std::uint8_t kOpcodeLddw = 0x18;

// Variables' places, which .BTF leaves to the symbol table.
void place_variables(const ElfFile& file, Btf& btf) {
  std::map<std::uint32_t, std::map<std::string_view, std::uint32_t>> offsets;  // by section index
  for (const ElfSymbol& symbol : file.symbols()) {
    if (symbol.section == 0 || symbol.section == kNoSection || symbol.name.empty()) continue;
    const bool may_be_data = symbol.type == ElfSymbol::Type::kObject || symbol.type == ElfSymbol::Type::kNone;
    if (!may_be_data || symbol.value > UINT32_MAX) continue;
    offsets[symbol.section].emplace(symbol.name, static_cast<std::uint32_t>(symbol.value));
  }
  for (const auto& [section, places] : offsets) btf.place_variables(file.sections()[section].name, places);
}

struct DebugInfo {
  std::shared_ptr<const Btf> btf;  // null without .BTF
  LineInfo lines;
  Kconfig kconfig;
  CorePatches core;
};

Result<CorePatches> read_core(std::span<const std::byte> ext, const Btf& btf, const ElfOptions& options) {
  const std::shared_ptr<const Btf> types = options.kernel_types != nullptr ? options.kernel_types : builtin_types();
  return read_core_relocations(ext, btf, CoreTarget(*types));
}

Result<DebugInfo> read_debug_info(const ElfFile& file, const ElfOptions& options) {
  DebugInfo info;
  const ElfSection* section = file.section(".BTF");
  if (section == nullptr || section->data.empty()) return info;
  auto btf = Btf::parse(section->data);
  if (!btf) return std::move(btf).error().in("section \".BTF\"");
  place_variables(file, *btf);
  auto kconfig = read_kconfig(file, *btf, options.kconfig);
  if (!kconfig) return std::move(kconfig).error();
  info.kconfig = std::move(*kconfig);
  const ElfSection* ext = file.section(".BTF.ext");
  if (ext != nullptr && !ext->data.empty()) {
    auto lines = parse_line_info(ext->data, *btf);
    if (!lines) return std::move(lines).error().in("section \".BTF.ext\"");
    info.lines = std::move(*lines);
    auto core = read_core(ext->data, *btf, options);
    if (!core) return std::move(core).error().in("section \".BTF.ext\"");
    info.core = std::move(*core);
  }
  info.btf = std::make_shared<const Btf>(std::move(*btf));
  return info;
}

std::string read_license(const ElfFile& file) {
  const ElfSection* section = file.section("license");
  if (section == nullptr) return {};
  const std::string_view text(reinterpret_cast<const char*>(section->data.data()), section->data.size());
  return std::string(text.substr(0, text.find('\0')));
}

Result<ElfObject> read_object(std::span<const std::byte> image, const std::string& path, const ElfOptions& options) {
  ElfObject object;
  auto file = ElfFile::parse(image);
  if (!file) return std::move(file).error();
  auto debug = read_debug_info(*file, options);
  if (!debug) return std::move(debug).error();
  auto maps = read_maps(*file, debug->btf.get(), options.list_only ? &object.unread_maps : nullptr);
  if (!maps) return std::move(maps).error();
  const std::size_t kconfig_map = maps->size();
  if (debug->kconfig.map) {
    debug->kconfig.map->place = place_in(debug->kconfig.map->spec.name, 0);
    if (kconfig_map >= kMaxMaps) {
      return Error{ErrorCode::kProgram, fmt::format("{}: more than {} maps", debug->kconfig.map->place, kMaxMaps)};
    }
    maps->push_back({*debug->kconfig.map, kNoSection, 0, 0});
  }
  auto linked =
      link_programs({*file, *maps, debug->lines, debug->core, debug->kconfig, kconfig_map, debug->btf.get(), options});
  if (!linked) return std::move(linked).error();

  object.path = path;
  object.license = read_license(*file);
  object.btf = std::move(debug->btf);
  object.programs = std::move(linked->programs);
  object.others = std::move(linked->others);
  object.other_sections = std::move(linked->other_sections);
  for (LoadedProgram& program : object.programs) {
    program.object = path;
    program.license = object.license;
  }
  for (PlacedMap& map : *maps) object.maps.push_back(std::move(map.declaration));
  return object;
}

// For messages: `fw.o: offset 32 of ".maps": map "flows"`.
std::string map_named(const ElfObject& object, std::size_t map) {
  const MapDecl& declaration = object.maps[map];
  return fmt::format("{}: {}: map \"{}\"", object.path, declaration.place, declaration.spec.name);
}

}  // namespace

const LoadedProgram* ElfObject::program(std::string_view name) const noexcept {
  const auto found = std::ranges::find(programs, name, &LoadedProgram::name);
  return found == programs.end() ? nullptr : &*found;
}

const ListedProgram* ElfObject::listed(std::string_view name) const noexcept {
  const auto found = std::ranges::find(others, name, &ListedProgram::name);
  return found == others.end() ? nullptr : &*found;
}

std::string why_not(const ListedProgram& program) {
  if (!program.why.empty()) return program.why;
  if (program.type.empty()) {
    return fmt::format("section \"{}\" does not say what type program \"{}\" has", program.section, program.name);
  }
  return fmt::format("program \"{}\" in section \"{}\" is of type {}, which is not run here", program.name,
                     program.section, program.type);
}

Result<ElfObject> load_elf(const std::string& path, const ElfOptions& options) {
  const auto image = read_whole_file(path);
  if (!image) return Error(image.error()).in(path);
  return parse_elf(*image, path, options);
}

Result<ElfObject> parse_elf(std::span<const std::byte> image, const std::string& path, const ElfOptions& options) {
  auto object = read_object(image, path, options);
  if (!object) return std::move(object).error().in(path);
  return object;
}

bool leaves_size_open(const MapSpec& spec) noexcept {
  return spec.max_entries == 0 && spec.type != MapType::kPerfEventArray;
}

Result<std::shared_ptr<Map>> make_map(const MapDecl& declaration, unsigned cpus) {
  MapSpec spec = declaration.spec;
  if (spec.max_entries == 0 && !leaves_size_open(spec)) spec.max_entries = cpus;
  auto made = make_map(spec, cpus);
  if (!made) return std::move(made).error();
  std::shared_ptr<Map> map = std::move(*made);
  if (declaration.origin == MapDecl::Origin::kDeclared) return map;
  const std::uint32_t key = 0;
  const int status = map->write(reinterpret_cast<const std::byte*>(&key), declaration.initial.data(), UpdateMode::kAny);
  if (status != 0) return Error{ErrorCode::kInternal, fmt::format("cannot be filled: {}", std::strerror(-status))};
  if (declaration.origin == MapDecl::Origin::kRodata) map->freeze();
  return map;
}

Result<std::vector<std::shared_ptr<Map>>> make_maps(const ElfObject& object, unsigned cpus) {
  return make_maps(object, cpus, std::vector<bool>(object.maps.size(), true));
}

Result<std::vector<std::shared_ptr<Map>>> make_maps(const ElfObject& object, unsigned cpus,
                                                    const std::vector<bool>& needed) {
  std::vector<std::shared_ptr<Map>> maps(object.maps.size());
  for (std::size_t i = 0; i < object.maps.size(); ++i) {
    if (!needed[i]) continue;
    auto made = make_map(object.maps[i], cpus);
    if (!made) return std::move(made).error().in(map_named(object, i));
    maps[i] = std::move(*made);
    maps[i]->set_id(static_cast<std::uint32_t>(i) + 1);
  }
  if (auto done = fill_maps_of_maps(object, maps); !done) return done.error();
  return maps;
}

Result<void> fill_maps_of_maps(const ElfObject& object, std::span<const std::shared_ptr<Map>> maps) {
  for (std::size_t i = 0; i < maps.size(); ++i) {
    auto* const outer = dynamic_cast<MapOfMaps*>(maps[i].get());
    if (outer == nullptr) continue;
    if (!object.maps[i].inner.empty() && outer->spec().key_size != sizeof(MapDecl::Inner::key)) {
      return Error{ErrorCode::kProgram,
                   fmt::format("{} has values and keys of {} bytes, expected {}", map_named(object, i),
                               outer->spec().key_size, sizeof(MapDecl::Inner::key))};
    }
    for (const MapDecl::Inner& inner : object.maps[i].inner) {
      if (maps[inner.map] == nullptr) continue;
      const int status = outer->set(reinterpret_cast<const std::byte*>(&inner.key), maps[inner.map], UpdateMode::kAny);
      if (status == 0) continue;
      return Error{ErrorCode::kProgram,
                   fmt::format("{}: values[{}]: map \"{}\" cannot be inside: {}", map_named(object, i), inner.key,
                               object.maps[inner.map].spec.name, std::strerror(-status))};
    }
  }
  return {};
}

void mark_maps(const ElfObject& object, const LoadedProgram& program, std::vector<bool>& used) {
  for (std::size_t slot = 0; slot < program.insns.size(); ++slot) {
    const Insn& insn = program.insns[slot];
    if (insn.opcode != kOpcodeLddw) continue;
    const auto kind = static_cast<Imm64>(insn.src);
    const auto index = static_cast<std::size_t>(static_cast<std::uint32_t>(insn.imm));
    if ((kind == Imm64::kMap || kind == Imm64::kMapValue) && index < used.size()) used[index] = true;
    ++slot;  // its second half is no instruction
  }
  const std::vector<bool> direct = used;
  for (std::size_t outer = 0; outer < used.size(); ++outer) {
    const MapSpec& spec = object.maps[outer].spec;
    if (!direct[outer] || spec.inner == nullptr) continue;
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (may_stand_for(*spec.inner, object.maps[i].spec)) used[i] = true;
    }
  }
}

LoadedProgram bind(const LoadedProgram& program, std::span<const std::shared_ptr<Map>> maps) {
  LoadedProgram bound = program;
  bound.maps.assign(maps.begin(), maps.end());
  return bound;
}

}  // namespace sluice::vm
