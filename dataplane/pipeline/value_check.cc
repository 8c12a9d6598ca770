// ValueReader::check_types: does a `types:` override fit the type it overrides?
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "dataplane/pipeline/value_types.h"
#include "dataplane/pipeline/values.h"

namespace sluice::pipeline {
namespace {

using config::Value;
using BtfKind = vm::Btf::Kind;

class TypeChecker {
 public:
  TypeChecker(const ValueReader& reader, const vm::Btf* btf) : reader_(reader), btf_(btf) {}

  bool check(const Value& types, std::uint32_t type, std::uint32_t size, const std::string& what) const {
    if (types.kind == Value::Kind::kScalar) return check_scalar(types, type, size, what);
    if (types.kind != Value::Kind::kMapping) return error(types, fmt::format("{}: expected the name of a type", what));
    const BtfKind kind = btf_ == nullptr ? BtfKind::kVoid : btf_->kind(type);
    if (kind == BtfKind::kArray) return check(types, btf_->array(type).element_type, element_size(type), what);
    if (kind != BtfKind::kStruct && kind != BtfKind::kUnion) {
      return error(types, fmt::format("{}: has no fields: expected one type name", what));
    }
    const auto members = flat_members(*btf_, type);
    bool ok = true;
    for (const auto& [key, field] : types.fields) {
      const auto member = std::ranges::find(members, key.scalar, &vm::Btf::Member::name);
      if (member == members.end()) {
        ok = error(key, fmt::format("{}: there is no field '{}'{}", what, printable(key.scalar),
                                    suggestion(key.scalar, members)));
        continue;
      }
      const std::string inner = fmt::format("{}.{}", what, key.scalar);
      if (member->bit_size != 0) {
        ok = error(field, fmt::format("{}: a bit field takes no type", inner));
        continue;
      }
      ok = check(field, member->type, btf_->size(member->type), inner) && ok;
    }
    return ok;
  }

 private:
  bool error(const Value& at, std::string message) const {
    reader_.diagnostics.add(reader_.sources.at(at.mark, "value-override", std::move(message)));
    return false;
  }
  [[nodiscard]] std::uint32_t element_size(std::uint32_t array) const {
    return btf_->size(btf_->array(array).element_type);
  }
  static std::string suggestion(std::string_view word, std::span<const vm::Btf::Member> members) {
    std::vector<std::string_view> names;
    for (const auto& member : members) names.push_back(member.name);
    const std::string_view near = nearest(word, names);
    return near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
  }
  bool check_scalar(const Value& types, std::uint32_t type, std::uint32_t size, const std::string& what) const {
    const ScalarFormat* format = scalar_format(types.scalar);
    if (format == nullptr) {
      std::vector<std::string_view> names;
      for (const ScalarFormat& known : scalar_formats()) names.push_back(known.name);
      const std::string_view near = nearest(types.scalar, names);
      return error(types, fmt::format("{}: unknown type '{}'{}", what, printable(types.scalar),
                                      near.empty() ? "; expected u8..u64, s8..s64, be16..be64, ipv4, ipv6, mac, "
                                                     "ifindex or hex"
                                                   : fmt::format("; did you mean '{}'?", near)));
    }
    const bool array = btf_ != nullptr && btf_->kind(type) == BtfKind::kArray;
    if (format->size == 0 || format->size == size || (array && format->size == element_size(type))) return true;
    return error(types, fmt::format("{}: {} takes {} bytes, but there are {}", what, types.scalar, format->size, size));
  }

  const ValueReader& reader_;
  const vm::Btf* btf_;
};

}  // namespace

bool ValueReader::check_types(const ValueType& type, const std::string& what) const {
  if (type.types == nullptr) return true;
  const vm::Btf* btf = type.type == 0 ? nullptr : type.btf;
  return TypeChecker(*this, btf).check(*type.types, type.type, type.size, what);
}

}  // namespace sluice::pipeline
