#include "vm/core_access.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace sluice::vm {
namespace {

constexpr std::size_t kMaxSteps = 64;                       // BPF_CORE_SPEC_MAX_LEN, libbpf
constexpr unsigned kMaxDepth = 32;                          // of members without name in each other
constexpr unsigned kMaxVisits = 1U << 16;                   // of members in one search: unions in unions multiply
constexpr std::uint64_t kMaxBits = std::uint64_t{1} << 40;  // offsets past it cannot be in any instruction

Error error(std::string message) { return {ErrorCode::kProgram, std::move(message)}; }

bool is_about_fields(CoreKind kind) { return kind <= CoreKind::kRightShift; }
bool is_about_enumerators(CoreKind kind) {
  return kind == CoreKind::kEnumeratorExists || kind == CoreKind::kEnumerator;
}

bool is_composite(const Btf& btf, std::uint32_t type) {
  return btf.kind(type) == Btf::Kind::kStruct || btf.kind(type) == Btf::Kind::kUnion;
}

// As libbpf: what 32 bits hold is a signed number, whatever the enum says.
std::int64_t enumerator_value(CoreType type, const Btf::Enumerator& enumerator) {
  return type.btf->size(type.id) <= 4 ? static_cast<std::int32_t>(enumerator.value) : enumerator.value;
}

Result<std::vector<std::uint32_t>> parse_indices(std::string_view text) {
  std::vector<std::uint32_t> indices;
  while (true) {
    std::uint32_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (failed != std::errc() || (used < text.size() && text[used] != ':') || indices.size() == kMaxSteps) {
      return error("its access is no list of indices");
    }
    indices.push_back(value);
    if (used == text.size()) return indices;
    text.remove_prefix(used + 1);
  }
}

// Walks from `access.root` by steps; keeps the offset, the type and whether an array is the last member of its struct.
class Walk {
 public:
  explicit Walk(CoreAccess& access) : access_(access), btf_(*access.root.btf) {
    access.type = access.root.id;
    access.bit_offset = std::uint64_t{8} * btf_.size(access.root.id) * access.first;
  }

  // False when `member` is none of the type's.
  bool enter(const Btf::Member& member, bool is_last) {
    access_.bit_offset += member.bit_offset;
    access_.bits = member.bit_size;
    access_.type = member.type;
    may_grow_ = is_last;
    access_.is_member = !member.name.empty();
    return access_.bit_offset < kMaxBits;
  }

  bool element(std::uint32_t index) {
    if (btf_.kind(access_.type) != Btf::Kind::kArray) return false;
    const Btf::Array array = btf_.array(access_.type);
    const bool flexible = array.count == 0 && may_grow_;
    if (index >= array.count && !flexible) return false;
    access_.type = array.element_type;
    access_.bits = 0;
    access_.bit_offset += std::uint64_t{8} * btf_.size(array.element_type) * index;
    access_.is_member = false;
    may_grow_ = false;
    access_.steps.push_back({{}, index, array.element_type});
    return access_.bit_offset < kMaxBits;
  }

 private:
  CoreAccess& access_;
  const Btf& btf_;
  bool may_grow_ = false;
};

// What a search for members may still look at.
struct Search {
  unsigned visits;
  CoreWork& work;
};

// The member called `name` of a struct, also inside members without name, entered by `walk`. What takes more than
// `search` allows is not there.
bool enter_member(const Btf& btf, std::uint32_t type, std::string_view name, CoreType like, CoreAccess& access,
                  Walk& walk, unsigned depth, Search& search) {
  if (depth == 0 || !is_composite(btf, type)) return false;
  const auto members = members_of({&btf, type}, search.work);
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (search.visits == 0) return false;
    --search.visits;
    const Btf::Member& member = members[i];
    const bool is_last = i + 1 == members.size();
    if (member.name.empty()) {
      const CoreAccess before = access;
      if (walk.enter(member, is_last) && enter_member(btf, member.type, name, like, access, walk, depth - 1, search))
        return true;
      access.bit_offset = before.bit_offset;
      access.bits = before.bits;
      access.type = before.type;
      continue;
    }
    if (member.name != name) continue;
    if (!are_members_alike(like, {&btf, member.type})) return false;
    access.steps.push_back({member.name, static_cast<std::uint32_t>(i), member.type});
    return walk.enter(member, is_last);
  }
  return false;
}

Result<CoreAccess> parse_field(CoreAccess access, std::span<const std::uint32_t> indices, CoreWork& work) {
  const Btf& btf = *access.root.btf;
  access.first = indices[0];
  Walk walk(access);
  for (const std::uint32_t index : indices.subspan(1)) {
    if (!is_composite(btf, access.type)) {
      if (!walk.element(index)) return error("its access leads out of an array, or into what has no members");
      continue;
    }
    const auto members = members_of({&btf, access.type}, work);
    if (index >= members.size()) return error("its access names a member that is not there");
    if (!members[index].name.empty()) access.steps.push_back({members[index].name, index, members[index].type});
    if (!walk.enter(members[index], index + 1 == members.size())) return error("its access leads too far");
  }
  return access;
}

// Where a member's bytes are, and which of their bits.
struct Place {
  std::uint64_t byte = 0;
  std::uint64_t size = 0;
};

Result<Place> place_of(const CoreAccess& access) {
  Place place{access.bit_offset / 8, access.root.btf->size(access.type)};
  if (access.bits == 0) return place;
  if (place.size == 0) return error("is a bit field of a type without size");
  place.byte = access.bit_offset / 8 / place.size * place.size;
  while (access.bit_offset + access.bits - place.byte * 8 > place.size * 8) {
    if (place.size >= 8) return error("is a bit field that no 8 bytes hold");
    place.size *= 2;
    place.byte = access.bit_offset / 8 / place.size * place.size;
  }
  return place;
}

Result<std::optional<CoreValue>> field_value(CoreKind kind, const CoreAccess& access) {
  const auto place = place_of(access);
  if (!place) return place.error();
  const bool is_bits = access.bits != 0;
  const std::uint64_t width = is_bits ? access.bits : place->size * 8;
  const auto value = [](std::uint64_t number, bool in_instruction) {
    return std::optional(CoreValue{.value = number, .in_instruction = in_instruction});
  };
  if (!access.is_member && kind != CoreKind::kByteOffset && kind != CoreKind::kByteSize) {
    return error("asks for the sign or the bits of what is no member");
  }
  switch (kind) {
    case CoreKind::kByteOffset: {
      auto found = value(place->byte, !is_bits);
      if (is_bits) return found;
      found->memory = static_cast<std::uint32_t>(place->size);
      found->type = access.type;
      return found;
    }
    case CoreKind::kByteSize: return value(place->size, !is_bits);
    case CoreKind::kIsSigned: return value(access.root.btf->is_signed(access.type) ? 1 : 0, true);
    case CoreKind::kLeftShift: return value(64 - (access.bit_offset + width - place->byte * 8), !is_bits);
    case CoreKind::kRightShift: return value(64 - width, true);
    default: return error("is of an unknown kind");
  }
}

}  // namespace

std::string CoreAccess::text() const {
  const Btf& btf = *root.btf;
  std::string_view word;
  switch (btf.kind(root.id)) {
    case Btf::Kind::kStruct: word = "struct "; break;
    case Btf::Kind::kUnion: word = "union "; break;
    case Btf::Kind::kEnum: word = "enum "; break;
    default: break;
  }
  if (!btf.same_kind(root.id, btf, btf.strip(root.id))) word = {};  // a typedef
  std::string found = fmt::format("{}{}", word, btf.name(root.id));
  if (is_about_enumerators(kind)) {
    return fmt::format("{}.{}", found, enumerator_name);
  }
  if (first != 0) found += fmt::format("[{}]", first);
  for (const Step& step : steps) {
    found += step.member.empty() ? fmt::format("[{}]", step.index) : fmt::format(".{}", step.member);
  }
  return found;
}

Result<CoreAccess> parse_core_access(CoreType root, CoreKind kind, std::string_view text, CoreWork& work) {
  const auto indices = parse_indices(text);
  if (!indices) return indices.error();
  if (root.btf->name(root.id).empty()) return error("its type has no name");
  CoreAccess access;
  access.root = root;
  access.kind = kind;
  if (is_about_fields(kind)) return parse_field(std::move(access), *indices, work);
  if (indices->size() != 1) return error("its access has more than one index");
  access.first = indices->front();
  if (!is_about_enumerators(kind)) {
    if (access.first != 0) return error("its access to a type is not 0");
    return access;
  }
  const auto all = enumerators_of(root, work);
  if (access.first >= all.size()) return error("its access names an enumerator that is not there");
  access.enumerator = enumerator_value(root, all[access.first]);
  access.enumerator_name = all[access.first].name;
  return access;
}

std::optional<CoreAccess> find_core_access(const CoreAccess& local, CoreType candidate, CoreWork& work) {
  CoreAccess found;
  found.root = candidate;
  found.kind = local.kind;
  if (is_about_enumerators(local.kind)) {
    const auto all = enumerators_of(candidate, work);
    const std::string_view name = essential_name(local.enumerator_name);
    const auto same = std::ranges::find(all, name, [](const Btf::Enumerator& e) { return essential_name(e.name); });
    if (same == all.end()) return std::nullopt;
    found.first = static_cast<std::uint32_t>(same - all.begin());
    found.enumerator = enumerator_value(candidate, *same);
    found.enumerator_name = same->name;
    return found;
  }
  if (local.kind == CoreKind::kTypeMatches) {
    return does_type_match(local.root, candidate, work) ? std::optional(found) : std::nullopt;
  }
  if (!is_about_fields(local.kind)) {
    return are_types_alike(local.root, candidate, work) ? std::optional(found) : std::nullopt;
  }
  found.first = local.first;
  Walk walk(found);
  Search search{kMaxVisits, work};
  for (const CoreAccess::Step& step : local.steps) {
    const CoreType like{local.root.btf, step.type};
    // Structs without name on the way are no steps, so that members move in and out of them.
    const bool there = step.member.empty() ? walk.element(step.index)
                                           : enter_member(*candidate.btf, found.type, step.member, like, found, walk,
                                                          kMaxDepth, search);
    if (!there) return std::nullopt;
  }
  return found;
}

Result<std::optional<CoreValue>> core_value(CoreKind kind, const CoreAccess* access) {
  const auto value = [](std::uint64_t number) { return std::optional(CoreValue{.value = number}); };
  switch (kind) {
    case CoreKind::kFieldExists:
    case CoreKind::kTypeExists:
    case CoreKind::kTypeMatches:
    case CoreKind::kEnumeratorExists: return value(access != nullptr ? 1 : 0);
    case CoreKind::kTypeSize: return value(access != nullptr ? access->root.btf->size(access->root.id) : 0);
    case CoreKind::kLocalTypeId:
    case CoreKind::kTargetTypeId: {
      auto id = value(access != nullptr ? access->root.id : 0);
      id->in_instruction = kind == CoreKind::kLocalTypeId;
      return id;
    }
    case CoreKind::kEnumerator:
      return access != nullptr ? value(static_cast<std::uint64_t>(access->enumerator)) : std::nullopt;
    default: break;
  }
  if (access == nullptr) return std::optional<CoreValue>();
  return field_value(kind, *access);
}

}  // namespace sluice::vm
