#include "vm/core_types.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace sluice::vm {
namespace {

using Kind = Btf::Kind;

constexpr unsigned kMaxDepth = 32;  // of comparing what is behind pointers, in arrays and in arguments
// Steps one comparison may take: structs in structs make more work than there are bytes.
constexpr unsigned kMaxSteps = 1U << 16;

bool is_composite(Kind kind) { return kind == Kind::kStruct || kind == Kind::kUnion; }

CoreType at(CoreType type, std::uint32_t id) { return {type.btf, type.btf->strip(id)}; }
CoreType strip(CoreType type) { return at(type, type.id); }
Kind kind_of(CoreType type) { return type.btf->kind(type.id); }

bool are_names_alike(CoreType a, CoreType b) {
  return essential_name(a.btf->name(a.id)) == essential_name(b.btf->name(b.id));
}

constexpr std::size_t kNameBytes = 64;  // that one step looks at

// Looks at `all` and its names.
template <typename T>
std::vector<T> counted(std::vector<T> all, CoreWork& work) {
  std::size_t bytes = 0;
  for (const T& one : all) bytes += one.name.size();
  work.spend(1 + all.size() + bytes / kNameBytes);
  return all;
}

// Compares with a bound on its work. What is too deep or too much is not alike.
class Comparison {
 public:
  explicit Comparison(CoreWork& work) : work_(work) {}

  bool alike(CoreType local, CoreType target, unsigned depth) {
    if (depth == 0 || ++steps_ > kMaxSteps || !work_.spend(1)) return false;
    local = strip(local);
    target = strip(target);
    const Kind kind = kind_of(local);
    if (kind != kind_of(target)) return false;
    switch (kind) {
      case Kind::kPointer:
        return alike(at(local, local.btf->pointee(local.id)), at(target, target.btf->pointee(target.id)), depth - 1);
      case Kind::kArray:
        return alike(at(local, local.btf->array(local.id).element_type),
                     at(target, target.btf->array(target.id).element_type), depth - 1);
      case Kind::kFunction:
        return functions(local, target, [&](CoreType a, CoreType b) { return alike(a, b, depth - 1); });
      case Kind::kOther: return false;
      case Kind::kVoid:
      case Kind::kInt:
      case Kind::kStruct:
      case Kind::kUnion:
      case Kind::kEnum:
      case Kind::kForward:
      case Kind::kFloat: return true;
    }
    return false;
  }

  bool matches(CoreType local, CoreType target, bool behind_pointer, unsigned depth) {
    if (depth == 0 || ++steps_ > kMaxSteps || !work_.spend(1)) return false;
    local = strip(local);
    target = strip(target);
    if (!are_names_alike(local, target)) return false;
    const Kind kind = kind_of(local);
    const Kind other = kind_of(target);
    const auto next = [&](CoreType a, CoreType b, bool behind) { return matches(a, b, behind, depth - 1); };
    switch (kind) {
      case Kind::kForward:
        if (other == Kind::kForward) return local.btf->is_union(local.id) == target.btf->is_union(target.id);
        return behind_pointer && other == (local.btf->is_union(local.id) ? Kind::kUnion : Kind::kStruct);
      case Kind::kStruct:
      case Kind::kUnion:
        if (behind_pointer && other == Kind::kForward) {
          return target.btf->is_union(target.id) == (kind == Kind::kUnion);
        }
        if (kind != other) return false;
        return behind_pointer || members_match(local, target, depth);
      case Kind::kEnum: return other == Kind::kEnum && enums_match(local, target);
      case Kind::kInt:
        return other == kind && local.btf->size(local.id) == target.btf->size(target.id) &&
               local.btf->is_signed(local.id) == target.btf->is_signed(target.id);
      case Kind::kPointer:
        return other == kind &&
               next(at(local, local.btf->pointee(local.id)), at(target, target.btf->pointee(target.id)), true);
      case Kind::kArray: {
        if (other != kind) return false;
        const Btf::Array a = local.btf->array(local.id);
        const Btf::Array b = target.btf->array(target.id);
        return a.count == b.count && next(at(local, a.element_type), at(target, b.element_type), behind_pointer);
      }
      case Kind::kFunction:
        return other == kind &&
               functions(local, target, [&](CoreType a, CoreType b) { return next(a, b, behind_pointer); });
      case Kind::kVoid: return other == kind;
      case Kind::kFloat:
      case Kind::kOther: return false;
    }
    return false;
  }

 private:
  template <typename F>
  static bool functions(CoreType local, CoreType target, F&& same) {
    const auto a = local.btf->parameters(local.id);
    const auto b = target.btf->parameters(target.id);
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {  // the last one is what it returns
      if (!same(at(local, a[i]), at(target, b[i]))) return false;
    }
    return true;
  }

  bool enums_match(CoreType local, CoreType target) {
    if (local.btf->size(local.id) != target.btf->size(target.id)) return false;
    std::unordered_set<std::string_view> there;
    for (const Btf::Enumerator& e : enumerators_of(target, work_)) there.insert(essential_name(e.name));
    return std::ranges::all_of(enumerators_of(local, work_), [&there](const Btf::Enumerator& wanted) {
      return there.contains(essential_name(wanted.name));
    });
  }

  bool members_match(CoreType local, CoreType target, unsigned depth) {
    std::unordered_map<std::string_view, std::vector<std::uint32_t>> there;  // types of members by name, in order
    for (const Btf::Member& m : members_of(target, work_)) there[essential_name(m.name)].push_back(m.type);
    for (const Btf::Member& wanted : members_of(local, work_)) {
      const auto named = there.find(essential_name(wanted.name));
      const auto same = [&](std::uint32_t type) {
        return matches({local.btf, wanted.type}, {target.btf, type}, false, depth - 1);
      };
      if (named == there.end() || std::ranges::none_of(named->second, same)) return false;
    }
    return true;
  }

  CoreWork& work_;
  unsigned steps_ = 0;
};

}  // namespace

std::vector<Btf::Member> members_of(CoreType type, CoreWork& work) {
  if (work.is_exhausted()) return {};
  return counted(type.btf->members(type.id), work);
}

std::vector<Btf::Enumerator> enumerators_of(CoreType type, CoreWork& work) {
  if (work.is_exhausted()) return {};
  return counted(type.btf->enumerators(type.id), work);
}

std::string_view essential_name(std::string_view name) noexcept {
  constexpr std::size_t kShortest = 5;  // "x___y"
  for (std::size_t i = name.size() < kShortest ? 0 : name.size() - kShortest + 1; i-- > 0;) {
    if (name[i] != '_' && name.substr(i + 1, 3) == "___" && name[i + 4] != '_') return name.substr(0, i + 1);
  }
  return name;
}

bool are_members_alike(CoreType local, CoreType target) {
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    local = strip(local);
    target = strip(target);
    const Kind kind = kind_of(local);
    const Kind other = kind_of(target);
    if (is_composite(kind) && is_composite(other)) return true;
    if (kind != other) return false;
    switch (kind) {
      case Kind::kPointer:
      case Kind::kFloat: return true;
      case Kind::kInt: return !local.btf->is_odd_int(local.id) && !target.btf->is_odd_int(target.id);
      case Kind::kForward:
      case Kind::kEnum:  // one without a name is like any
        return local.btf->name(local.id).empty() || target.btf->name(target.id).empty() ||
               are_names_alike(local, target);
      case Kind::kArray:
        local.id = local.btf->array(local.id).element_type;
        target.id = target.btf->array(target.id).element_type;
        continue;
      case Kind::kVoid:
      case Kind::kStruct:
      case Kind::kUnion:
      case Kind::kFunction:
      case Kind::kOther: return false;
    }
  }
  return false;
}

bool are_types_alike(CoreType local, CoreType target, CoreWork& work) {
  return Comparison(work).alike(local, target, kMaxDepth);
}

bool does_type_match(CoreType local, CoreType target, CoreWork& work) {
  return Comparison(work).matches(local, target, false, kMaxDepth);
}

CoreTarget::CoreTarget(const Btf& btf) : btf_(btf) {
  for (std::uint32_t id = 1; id <= btf.type_count(); ++id) {
    const std::string_view name = btf.name(id);
    if (!name.empty()) by_name_[essential_name(name)].push_back(id);
  }
}

std::vector<CoreType> CoreTarget::candidates(CoreType local, CoreWork& work) const {
  std::vector<CoreType> found;
  const auto ids = by_name_.find(essential_name(local.btf->name(local.id)));
  if (ids == by_name_.end() || !work.spend(ids->second.size())) return found;
  for (const std::uint32_t id : ids->second) {
    if (btf_.same_kind(id, *local.btf, local.id)) found.push_back({&btf_, id});
  }
  return found;
}

}  // namespace sluice::vm
