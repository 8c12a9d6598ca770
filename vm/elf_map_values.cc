#include "vm/elf_map_values.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "vm/elf_tails.h"

namespace sluice::vm {
namespace {

constexpr std::uint64_t kPointerBytes = 8;

// Bytes from the start of a map's definition to its `values`, or nothing.
std::optional<std::uint64_t> values_offset(const Btf& btf, std::uint32_t type) {
  for (const Btf::Member& member : btf.members(type)) {
    if (member.name == "values") return member.bit_offset / 8;
  }
  return std::nullopt;
}

class Values {
 public:
  Values(const ElfFile& file, const Btf& btf, const ElfSection& section, std::vector<PlacedMap>& maps)
      : file_(file),
        functions_(file),
        btf_(btf),
        section_(section),
        maps_(maps),
        variables_(btf.variables(section.name)) {}

  Result<void> read() {
    for (const ElfRelocation& relocation : file_.relocations(section_.index)) {
      if (auto done = read_one(relocation); !done) return done;
    }
    return {};
  }

 private:
  [[nodiscard]] Error error(const ElfRelocation& relocation, std::string_view map, std::string_view what) const {
    return {ErrorCode::kProgram,
            fmt::format("{}: map \"{}\" {}", place_in(section_.name, relocation.offset), map, what)};
  }

  // The declared map that starts at or last before `offset` bytes of `section`, or null.
  PlacedMap* map_before(std::uint32_t section, std::uint64_t offset) {
    PlacedMap* last = nullptr;
    for (PlacedMap& map : maps_) {
      const bool declared = map.declaration.origin == MapDecl::Origin::kDeclared && map.section == section;
      if (declared && map.offset <= offset && (last == nullptr || map.offset > last->offset)) last = &map;
    }
    return last;
  }

  Result<void> read_one(const ElfRelocation& relocation) {
    PlacedMap* const outer = map_before(section_.index, relocation.offset);
    if (outer == nullptr) return {};
    const bool holds_programs = outer->declaration.spec.type == MapType::kProgArray;
    if (outer->declaration.spec.inner == nullptr && !holds_programs) return {};
    const std::string& name = outer->declaration.spec.name;
    const auto variable = std::ranges::find(variables_, outer->offset, &Btf::Variable::offset);
    const auto values = variable == variables_.end() ? std::nullopt : values_offset(btf_, variable->type);
    const std::uint64_t inside = relocation.offset - outer->offset;
    if (!values || inside < *values || (inside - *values) % kPointerBytes != 0) {
      return error(relocation, name, fmt::format("has an address at byte {} that is none of its values", inside));
    }
    const std::uint64_t index = (inside - *values) / kPointerBytes;
    if (relocation.type != kRelocationAbs64) {
      return error(
          relocation, name,
          fmt::format("values[{}]: relocation type {}, expected {}", index, relocation.type, kRelocationAbs64));
    }
    if (holds_programs) return put_program(relocation, static_cast<std::uint32_t>(index), outer->declaration);
    const auto target = target_of(relocation);
    if (!target) return error(relocation, name, fmt::format("values[{}] is no map", index));
    if (outer->declaration.inner.size() >= kMaxInner) return error(relocation, name, "has too many values");
    outer->declaration.inner.push_back({static_cast<std::uint32_t>(index), *target});
    return {};
  }

  Result<void> put_program(const ElfRelocation& relocation, std::uint32_t key, MapDecl& array) {
    const ElfSymbol& symbol = file_.symbols()[relocation.symbol];
    const auto offset = offset_of(relocation);
    const bool in_code = offset && file_.sections()[symbol.section].is_code;
    const ElfSymbol* const program = in_code ? functions_.at(symbol.section, *offset) : nullptr;
    if (program == nullptr) return error(relocation, array.spec.name, fmt::format("values[{}] is no program", key));
    if (array.tails.size() >= kMaxInner) return error(relocation, array.spec.name, "has too many values");
    array.tails.push_back({key, std::string(program->name)});
    return {};
  }

  // Bytes from the start of its symbol's section to where the relocation points.
  [[nodiscard]] std::optional<std::uint64_t> offset_of(const ElfRelocation& relocation) const {
    const ElfSymbol& symbol = file_.symbols()[relocation.symbol];
    if (symbol.section == 0 || symbol.section == kNoSection) return std::nullopt;
    std::uint64_t distance = static_cast<std::uint64_t>(relocation.addend);
    if (!relocation.has_addend) {
      // What the patched place holds; it may lie behind the bytes the file has.
      const std::span<const std::byte> data = section_.data;
      if (relocation.offset > data.size() || data.size() - relocation.offset < kPointerBytes) return std::nullopt;
      __builtin_memcpy(&distance, data.data() + relocation.offset, kPointerBytes);
    }
    return symbol.value + distance;
  }

  // The index of the map that starts exactly where the relocation points.
  std::optional<std::uint32_t> target_of(const ElfRelocation& relocation) {
    const auto offset = offset_of(relocation);
    if (!offset) return std::nullopt;
    const PlacedMap* const map = map_before(file_.symbols()[relocation.symbol].section, *offset);
    if (map == nullptr || map->offset != *offset) return std::nullopt;
    return static_cast<std::uint32_t>(map - maps_.data());
  }

  static constexpr std::size_t kMaxInner = 1U << 16;  // values of one map
  const ElfFile& file_;
  const FunctionSymbols functions_;
  const Btf& btf_;
  const ElfSection& section_;
  std::vector<PlacedMap>& maps_;
  std::vector<Btf::Variable> variables_;
};

}  // namespace

Result<void> read_map_values(const ElfFile& file, const Btf* btf, std::vector<PlacedMap>& maps) {
  const ElfSection* const section = file.section(".maps");
  if (section == nullptr || btf == nullptr || section->size == 0) return {};
  return Values(file, *btf, *section, maps).read();
}

}  // namespace sluice::vm
