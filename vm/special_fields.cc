#include "vm/special_fields.h"

#include <string_view>

#include "vm/btf.h"
#include "vm/maps/map.h"

namespace sluice::vm {
namespace {

constexpr unsigned kDeepest = 8;          // structs in structs
constexpr unsigned kMostMembers = 65536;  // looked at: types may be hostile

// One kind of field, while it is looked for.
struct Search {
  std::string_view name;
  std::uint32_t bytes;
  unsigned found = 0;
  std::uint64_t offset = 0;  // of the last
};

class Finder {
 public:
  explicit Finder(const Btf& btf) : btf_(btf) {}

  void look_at(std::uint32_t type, std::uint64_t offset, unsigned depth = kDeepest) {
    if (btf_.kind(type) != Btf::Kind::kStruct || depth == 0) return;
    const std::uint32_t plain = btf_.strip(type);
    for (Search* const search : {&lock, &timer}) {
      if (btf_.name(plain) != search->name || btf_.size(plain) != search->bytes) continue;
      ++search->found;
      search->offset = offset;
      return;
    }
    for (const Btf::Member& member : btf_.members(plain)) {
      if (++members_ > kMostMembers) return;
      look_at(member.type, offset + member.bit_offset / 8, depth - 1);
    }
  }
  [[nodiscard]] bool saw_all() const { return members_ <= kMostMembers; }

  Search lock{"bpf_spin_lock", SpecialFields::kLockBytes};
  Search timer{"bpf_timer", SpecialFields::kTimerBytes};

 private:
  const Btf& btf_;
  unsigned members_ = 0;
};

std::int32_t offset_of(const Search& search) {
  return search.found == 1 && search.offset <= INT32_MAX ? static_cast<std::int32_t>(search.offset) : -1;
}

}  // namespace

SpecialFields find_special_fields(const Btf& btf, const MapSpec& spec) {
  const bool may_lock = spec.type == MapType::kHash || spec.type == MapType::kArray;
  const bool may_time = may_lock || spec.type == MapType::kLruHash;
  if (!may_time || (spec.flags & (kMapReadOnlyProg | kMapWriteOnlyProg)) != 0) return {};
  Finder finder(btf);
  finder.look_at(spec.value_type, 0);
  // A data section: its variables.
  for (const Btf::Variable& variable : btf.variables(btf.name(spec.value_type))) {
    finder.look_at(variable.type, variable.offset);
  }
  const bool refused = finder.lock.found > (may_lock ? 1 : 0) || finder.timer.found > 1 || !finder.saw_all();
  const SpecialFields fields{.lock = offset_of(finder.lock), .timer = offset_of(finder.timer)};
  return refused || !fields.fit(spec.value_size) ? SpecialFields{} : fields;
}

}  // namespace sluice::vm
