#include "vm/special_fields.h"

#include <fmt/format.h>

#include "vm/btf.h"
#include "vm/maps/map.h"

namespace sluice::vm {
namespace {

constexpr unsigned kDeepest = 8;          // structs in structs
constexpr unsigned kMostMembers = 65536;  // looked at: types may be hostile

struct Sort {
  std::string_view name;
  std::uint32_t bytes, alignment;
  std::int32_t SpecialFields::* offset;
};
constexpr Sort kSorts[] = {{"bpf_spin_lock", SpecialFields::kLockBytes, 4, &SpecialFields::lock},
                           {"bpf_timer", SpecialFields::kTimerBytes, 8, &SpecialFields::timer}};

class Finder {
 public:
  explicit Finder(const Btf& btf) : btf_(btf) {}

  Result<SpecialFields> run(std::uint32_t type) {
    if (auto done = look_at(type, 0, kDeepest); !done) return done.error();
    // A data section: its variables.
    for (const Btf::Variable& variable : btf_.variables(btf_.name(type))) {
      if (auto done = look_at(variable.type, variable.offset, kDeepest); !done) return done.error();
    }
    return found_;
  }

 private:
  Result<void> look_at(std::uint32_t type, std::uint64_t offset, unsigned depth) {
    if (btf_.kind(type) != Btf::Kind::kStruct || depth == 0) return {};
    const std::uint32_t plain = btf_.strip(type);
    for (const Sort& sort : kSorts) {
      if (btf_.name(plain) == sort.name && btf_.size(plain) == sort.bytes) return take(sort, offset);
    }
    for (const Btf::Member& member : btf_.members(plain)) {
      if (++looked_at_ > kMostMembers) {
        return Error{ErrorCode::kProgram, fmt::format("there are more than {} members", kMostMembers)};
      }
      if (auto done = look_at(member.type, offset + member.bit_offset / 8, depth - 1); !done) return done;
    }
    return {};
  }

  Result<void> take(const Sort& sort, std::uint64_t offset) {
    const auto wrong = [&](std::string_view what) {
      return Error{ErrorCode::kProgram, fmt::format("struct {} {}", sort.name, what)};
    };
    if (found_.*sort.offset >= 0) return wrong("is there twice, expected at most one a value");
    if (offset % sort.alignment != 0 || offset > INT32_MAX) {
      return wrong(fmt::format("lies at byte {}, expected a multiple of {}", offset, sort.alignment));
    }
    found_.*sort.offset = static_cast<std::int32_t>(offset);
    return {};
  }

  const Btf& btf_;
  SpecialFields found_;
  unsigned looked_at_ = 0;
};

}  // namespace

Result<SpecialFields> find_special_fields(const Btf& btf, std::uint32_t type, MapType map_type) {
  const bool may_lock = map_type == MapType::kHash || map_type == MapType::kArray;
  const bool may_time = may_lock || map_type == MapType::kLruHash;
  auto fields = Finder(btf).run(type);
  if (!fields) return fields;
  if (!may_lock) fields->lock = -1;
  if (!may_time) fields->timer = -1;
  return fields;
}

}  // namespace sluice::vm
