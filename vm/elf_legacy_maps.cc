#include "vm/elf_legacy_maps.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace sluice::vm {
namespace {

// Words of a definition. All layouts begin with the first five. Then struct bpf_map_def of the kernel's samples has the
// index of an inner map and a NUMA node (28 bytes), and iproute2's struct bpf_elf_map an id, a pinning, the id of an
// inner map and its slot (36 bytes; 28 before it knew inner maps).
enum Word : std::size_t { kType, kKeySize, kValueSize, kMaxEntries, kFlags, kId, kPinning, kInnerId, kInnerSlot };
constexpr std::size_t kInnerIndex = kId;  // struct bpf_map_def
constexpr std::size_t kNumaNode = kPinning;
constexpr std::uint32_t kNoSlot = UINT32_MAX;                   // inner_idx of a map that is put nowhere
constexpr std::uint64_t kShortest = 4 * sizeof(std::uint32_t);  // the first ones had no flags
constexpr std::uint64_t kIproute2 = 9 * sizeof(std::uint32_t);
constexpr std::uint64_t kLongest = 64 * sizeof(std::uint32_t);

// enum of struct bpf_elf_map::pinning.
constexpr std::uint32_t kPinNone = 0;
constexpr std::uint32_t kPinObject = 1;  // by this object's name: one object is loaded once here, so it changes nothing
constexpr std::uint32_t kPinGlobal = 2;

constexpr std::string_view kSection = "maps";

// `offset` in bytes from the start of the section.
Error error(std::uint64_t offset, std::string_view message) {
  return {ErrorCode::kProgram, fmt::format("{}: {}", place_in(kSection, offset), message)};
}

struct Place {
  std::string_view name;
  std::uint64_t offset = 0;
};

// The symbols in the section, one a definition, by offset.
std::vector<Place> places(const ElfFile& file, const ElfSection& section) {
  std::vector<Place> found;
  for (const ElfSymbol& symbol : file.symbols()) {
    const bool is_data = symbol.type == ElfSymbol::Type::kObject || symbol.type == ElfSymbol::Type::kNone;
    if (symbol.section == section.index && is_data && !symbol.name.empty()) {
      found.push_back({symbol.name, symbol.value});
    }
  }
  std::ranges::stable_sort(found, {}, &Place::offset);
  const auto same = std::ranges::unique(found, {}, &Place::offset);  // two names of one map
  found.erase(same.begin(), same.end());
  return found;
}

// Key and value types by what BPF_ANNOTATE_KV_PAIR leaves in BTF: struct ____btf_map_NAME { KEY key; VALUE value; }.
void annotate(const Btf& btf, MapSpec& spec) {
  const std::uint32_t pair = btf.find("____btf_map_" + spec.name);
  const auto members = btf.members(pair);
  if (members.size() != 2 || members[0].name != "key" || members[1].name != "value") return;
  if (btf.size(members[0].type) != spec.key_size || btf.size(members[1].type) != spec.value_size) return;
  spec.key_type = members[0].type;
  spec.value_type = members[1].type;
}

using Words = std::array<std::uint32_t, kLongest / sizeof(std::uint32_t)>;

Words words_of(std::span<const std::byte> bytes) {
  Words words{};
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

bool holds_maps(const MapSpec& spec) { return spec.type == MapType::kArrayOfMaps || spec.type == MapType::kHashOfMaps; }

Result<MapSpec> read_definition(const Place& place, std::span<const std::byte> bytes) {
  const Words words = words_of(bytes);
  MapSpec spec;
  spec.name = place.name;
  spec.type = static_cast<MapType>(words[kType]);
  spec.key_size = words[kKeySize];
  spec.value_size = words[kValueSize];
  spec.max_entries = words[kMaxEntries];
  spec.flags = words[kFlags];
  // The seventh word is a NUMA node only for maps with the flag; elsewhere the samples leave it 0.
  const bool numa = bytes.size() != kIproute2 && (spec.flags & kMapNumaNode) != 0;
  const std::uint32_t pinning = numa ? kPinNone : words[kNumaNode];
  if (pinning > kPinGlobal) {
    return error(place.offset, fmt::format("map \"{}\" has pinning {}, expected {}, {} or {}", place.name, pinning,
                                           kPinNone, kPinObject, kPinGlobal));
  }
  spec.pin_by_name = pinning == kPinGlobal;
  const std::size_t known = bytes.size() >= kIproute2 ? kInnerSlot : kPinning;
  if (std::any_of(words.begin() + known + 1, words.end(), [](std::uint32_t word) { return word != 0; })) {
    return error(place.offset, fmt::format("map \"{}\" sets fields past byte {} of its {}, which have no known meaning",
                                           place.name, (known + 1) * sizeof(std::uint32_t), bytes.size()));
  }
  return spec;
}

// What maps of maps are like inside, and what is in them from the start. bpf_map_def names an inner map by its place
// among the definitions. iproute2 names the template by its id, and a map that has an id and no template of its own is
// put at its slot into every map of maps whose template has that id.
class InnerMaps {
 public:
  InnerMaps(std::span<PlacedMap> maps, std::span<const Words> words, std::uint64_t step)
      : maps_(maps), words_(words), iproute2_(step == kIproute2) {}

  Result<void> resolve() {
    for (std::size_t outer = 0; outer < maps_.size(); ++outer) {
      MapDecl& declaration = maps_[outer].declaration;
      if (!holds_maps(declaration.spec)) continue;
      const std::uint32_t wanted = words_[outer][iproute2_ ? static_cast<std::size_t>(kInnerId) : kInnerIndex];
      const auto like = find_template(wanted);
      if (!like && iproute2_ && wanted != 0) {
        return error(maps_[outer].offset,
                     fmt::format("map \"{}\" has maps inside like the one of id {}, which is not there",
                                 declaration.spec.name, wanted));
      }
      if (!like || holds_maps(maps_[*like].declaration.spec)) continue;  // nobody said; so it is when made, too
      auto inner = std::make_shared<MapSpec>(maps_[*like].declaration.spec);
      inner->pin_by_name = false;
      declaration.spec.inner = std::move(inner);
      if (iproute2_) put_inside(declaration, wanted);
    }
    return {};
  }

 private:
  [[nodiscard]] std::optional<std::size_t> find_template(std::uint32_t wanted) const {
    if (!iproute2_) return wanted < maps_.size() ? std::optional<std::size_t>(wanted) : std::nullopt;
    for (std::size_t i = 0; wanted != 0 && i < words_.size(); ++i) {
      if (words_[i][kId] == wanted) return i;
    }
    return std::nullopt;
  }

  void put_inside(MapDecl& outer, std::uint32_t id) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (words_[i][kId] != id || words_[i][kInnerId] != 0 || words_[i][kInnerSlot] == kNoSlot) continue;
      outer.inner.push_back({words_[i][kInnerSlot], static_cast<std::uint32_t>(i)});
    }
  }

  std::span<PlacedMap> maps_;  // the legacy ones: all there are so far, so that places here are final
  std::span<const Words> words_;
  bool iproute2_;
};

}  // namespace

Result<void> read_legacy_maps(const ElfFile& file, const Btf* btf, std::vector<PlacedMap>& maps) {
  const ElfSection* section = file.section(kSection);
  if (section == nullptr || section->size == 0) return {};
  const std::vector<Place> found = places(file, *section);
  if (found.empty()) return error(0, "no symbol in the section names a map");
  if (section->data.size() != section->size) return error(0, "the section has no contents");
  const std::uint64_t step = section->size / found.size();
  if (section->size % found.size() != 0 || step % sizeof(std::uint32_t) != 0 || step < kShortest || step > kLongest) {
    return error(0, fmt::format("{} bytes for {} maps, expected as many definitions of {}..{} bytes each",
                                section->size, found.size(), kShortest, kLongest));
  }
  if (found.size() > kMaxMaps) return error(found[kMaxMaps].offset, fmt::format("more than {} maps", kMaxMaps));
  std::vector<Words> words;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].offset != i * step) {
      return error(found[i].offset,
                   fmt::format("map \"{}\", expected at {}: definitions differ in size", found[i].name, i * step));
    }
    auto spec = read_definition(found[i], section->data.subspan(found[i].offset, step));
    if (!spec) return std::move(spec).error();
    if (btf != nullptr) annotate(*btf, *spec);
    words.push_back(words_of(section->data.subspan(found[i].offset, step)));
    // For a prog array the word can mean nothing else, whatever the layout.
    const bool has_id = step == kIproute2 || spec->type == MapType::kProgArray;
    maps.push_back({{std::move(*spec), MapDecl::Origin::kDeclared, {}, {}, {}},
                    section->index,
                    found[i].offset,
                    has_id ? words.back()[kId] : 0});
  }
  return InnerMaps(maps, words, step).resolve();
}

}  // namespace sluice::vm
