#include "vm/elf_maps.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "vm/elf_legacy_maps.h"
#include "vm/elf_map_values.h"
#include "vm/elf_tails.h"

namespace sluice::vm {
namespace {

constexpr std::string_view kDeclared = ".maps";
constexpr std::uint64_t kMaxDataBytes = std::uint64_t{64} << 20;  // all data sections of one object together

Error error(std::string message) { return {ErrorCode::kProgram, std::move(message)}; }

// ".rodata" itself or ".rodata." and more.
bool is_kind(std::string_view name, std::string_view kind) {
  return name.starts_with(kind) && (name.size() == kind.size() || name[kind.size()] == '.');
}

std::optional<MapDecl::Origin> origin_of(const ElfSection& section) {
  if (section.is_data && is_kind(section.name, ".rodata")) return MapDecl::Origin::kRodata;
  // Arrays of constant pointers: they only make sense relocated, so libbpf keeps no map for them either.
  if (section.name == ".data.rel.ro") return std::nullopt;
  if (section.is_data && is_kind(section.name, ".data")) return MapDecl::Origin::kData;
  if (section.is_zero && is_kind(section.name, ".bss")) return MapDecl::Origin::kBss;
  return std::nullopt;
}

// One definition in `.maps`: a struct whose members say by their types what the map is like.
class Definition {
 public:
  // `is_inner`: what the maps inside `name` are like. `offset`: of the definition in its section, bytes.
  Definition(const Btf& btf, std::string name, std::uint32_t type, std::uint32_t offset, bool is_inner)
      : btf_(btf), name_(std::move(name)), type_(type), offset_(offset), is_inner_(is_inner) {
    spec_.name = name_;
    spec_.key_size = 0;
    spec_.value_size = 0;
  }

  Result<MapSpec> read() {
    if (btf_.kind(type_) != Btf::Kind::kStruct) return wrong("is no struct");
    for (const Btf::Member& member : btf_.members(type_)) {
      if (auto done = read_member(member); !done) return done.error();
    }
    if (!has_type_) return wrong("does not say its type");
    spec_.special = find_special_fields(btf_, spec_);
    return spec_;
  }

 private:
  [[nodiscard]] Error wrong(const std::string& what) const {
    return error(fmt::format("{}: map \"{}\" {}", place_in(kDeclared, offset_), name_, what));
  }

  // __uint(name, value): int (*name)[value]
  Result<std::uint32_t> number(const Btf::Member& member) const {
    const std::uint32_t target = btf_.pointee(member.type);
    if (btf_.kind(target) != Btf::Kind::kArray) {
      return wrong(fmt::format("has a member \"{}\" that was not made by __uint", member.name));
    }
    return btf_.array(target).count;
  }

  Result<void> set_size(const Btf::Member& member, std::uint32_t& size, std::uint32_t value) const {
    if (size != 0 && size != value) {
      return wrong(fmt::format("gives two sizes by \"{}\": {} and {}", member.name, size, value));
    }
    size = value;
    return {};
  }

  // __type(name, T): T *name
  Result<void> set_type(const Btf::Member& member, std::uint32_t& type, std::uint32_t& size) const {
    if (btf_.kind(member.type) != Btf::Kind::kPointer) {
      return wrong(fmt::format("has a member \"{}\" that was not made by __type", member.name));
    }
    const std::uint32_t target = btf_.pointee(member.type);
    const std::uint32_t bytes = btf_.size(target);
    if (bytes == 0) return wrong(fmt::format("has a \"{}\" type without a size", member.name));
    type = target;
    return set_size(member, size, bytes);
  }

  // __array(values, struct T): struct T *values[]. Programs or inner maps; both are held by 4-byte numbers.
  Result<void> set_values(const Btf::Member& member) {
    if (is_inner_) return wrong("has values, which a map inside another cannot have");
    if (auto done = set_size(member, spec_.value_size, 4); !done) return done;
    const std::uint32_t like = btf_.pointee(btf_.array(member.type).element_type);
    if (btf_.kind(member.type) != Btf::Kind::kArray || btf_.kind(like) != Btf::Kind::kStruct) return {};
    auto inner = Definition(btf_, name_ + ".inner", like, offset_, true).read();
    if (!inner) return std::move(inner).error();
    spec_.inner = std::make_shared<const MapSpec>(std::move(*inner));
    return {};
  }

  Result<void> read_member(const Btf::Member& member) {
    if (member.name == "key") return set_type(member, spec_.key_type, spec_.key_size);
    if (member.name == "value") return set_type(member, spec_.value_type, spec_.value_size);
    if (member.name == "values") return set_values(member);
    const auto value = number(member);
    if (!value) return value.error();
    if (member.name == "type") {
      spec_.type = static_cast<MapType>(*value);
      has_type_ = true;
    } else if (member.name == "max_entries") {
      spec_.max_entries = *value;
    } else if (member.name == "map_flags") {
      spec_.flags = *value;
    } else if (member.name == "map_extra") {
      spec_.extra = *value;
    } else if (member.name == "key_size") {
      return set_size(member, spec_.key_size, *value);
    } else if (member.name == "value_size") {
      return set_size(member, spec_.value_size, *value);
    } else if (member.name == "pinning") {
      if (*value > 1) return wrong(fmt::format("has pinning {}, expected 0 or 1 (LIBBPF_PIN_BY_NAME)", *value));
      if (is_inner_ && *value != 0) return wrong("is pinned, which a map inside another cannot be");
      spec_.pin_by_name = *value == 1;
    } else if (member.name != "numa_node") {
      return wrong(fmt::format("has an unknown member \"{}\"", member.name));
    }
    return {};
  }

  const Btf& btf_;
  std::string name_;
  std::uint32_t type_;
  std::uint32_t offset_;
  bool is_inner_;
  MapSpec spec_;
  bool has_type_ = false;
};

Result<void> read_declared(const ElfFile& file, const Btf* btf, std::vector<PlacedMap>& maps,
                           std::vector<std::string>* unread) {
  const ElfSection* section = file.section(kDeclared);
  if (section == nullptr || section->size == 0) return {};
  const auto wrong = [](std::uint64_t offset, std::string_view what) {
    return error(fmt::format("{}: {}", place_in(kDeclared, offset), what));
  };
  if (btf == nullptr) return wrong(0, "the object has no .BTF that describes it, compile with -g");
  const auto variables = btf->variables(kDeclared);
  if (variables.empty()) return wrong(0, ".BTF describes no variable in it");
  for (const Btf::Variable& variable : variables) {
    if (maps.size() >= kMaxMaps) return wrong(variable.offset, fmt::format("more than {} maps", kMaxMaps));
    if (variable.offset >= section->size) {
      return wrong(variable.offset,
                   fmt::format("map \"{}\" lies outside the section's {} bytes", variable.name, section->size));
    }
    auto spec = Definition(*btf, std::string(variable.name), variable.type, variable.offset, false).read();
    if (!spec && unread != nullptr) {
      unread->push_back(std::move(spec).error().message);
      continue;
    }
    if (!spec) return std::move(spec).error();
    maps.push_back({{std::move(*spec), MapDecl::Origin::kDeclared, {}, {}, {}}, section->index, variable.offset, 0});
  }
  return {};
}

// As libbpf declares it: user space may map what it can name, which is what BTF tells of and other objects may see.
std::uint32_t data_flags(std::string_view section, MapDecl::Origin origin, const Btf* btf) {
  const auto variables = btf != nullptr ? btf->variables(section) : std::vector<Btf::Variable>();
  const bool mappable = !std::ranges::all_of(variables, &Btf::Variable::is_static);
  return (mappable ? kMapMmapable : 0) | (origin == MapDecl::Origin::kRodata ? kMapReadOnlyProg : 0);
}

Result<void> read_data(const ElfFile& file, const Btf* btf, std::vector<PlacedMap>& maps) {
  std::uint64_t total = 0;
  for (const ElfSection& section : file.sections()) {
    const auto origin = origin_of(section);
    if (!origin || section.size == 0) continue;
    // Each term is at most the bound + what fits in 64 bits: compare before adding.
    if (section.size > kMaxDataBytes - total) {
      return error(fmt::format("{}: {} bytes of data are more than {} in all", place_in(section.name, 0), section.size,
                               kMaxDataBytes));
    }
    total += section.size;
    if (maps.size() >= kMaxMaps) {
      return error(fmt::format("{}: more than {} maps", place_in(section.name, 0), kMaxMaps));
    }
    PlacedMap map{{}, section.index, 0, 0};
    MapSpec& spec = map.declaration.spec;
    spec.name = section.name;
    spec.type = MapType::kArray;
    spec.key_size = 4;
    spec.value_size = static_cast<std::uint32_t>(section.size);
    spec.max_entries = 1;
    spec.flags = data_flags(section.name, *origin, btf);
    if (btf != nullptr) {
      spec.value_type = btf->find(section.name);
      spec.special = find_special_fields(*btf, spec);
    }
    map.declaration.origin = *origin;
    map.declaration.initial.assign(section.data.begin(), section.data.end());
    map.declaration.initial.resize(section.size);
    maps.push_back(std::move(map));
  }
  return {};
}

}  // namespace

Result<std::vector<PlacedMap>> read_maps(const ElfFile& file, const Btf* btf, std::vector<std::string>* unread) {
  std::vector<PlacedMap> maps;
  if (auto done = read_legacy_maps(file, btf, maps); !done) return done.error();
  if (auto done = read_declared(file, btf, maps, unread); !done) return done.error();
  if (auto done = read_data(file, btf, maps); !done) return done.error();
  if (auto done = read_map_values(file, btf, maps); !done) return done.error();
  if (auto done = read_tails(file, btf, maps, unread); !done) return done.error();
  for (PlacedMap& map : maps) map.declaration.place = place_in(file.sections()[map.section].name, map.offset);
  return maps;
}

}  // namespace sluice::vm
