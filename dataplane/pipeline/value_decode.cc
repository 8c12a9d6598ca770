// Bytes to values: decode and to_text of values.h.
#include <algorithm>
#include <cctype>
#include <vector>

#include <fmt/format.h>

#include "dataplane/pipeline/value_text.h"
#include "dataplane/pipeline/value_types.h"
#include "dataplane/pipeline/values.h"

namespace sluice::pipeline {
namespace {

using config::Value;
using Kind = Value::Kind;
using BtfKind = vm::Btf::Kind;
using Bytes = std::span<const std::byte>;

constexpr unsigned kDeepest = 32;  // levels; as the encoder

Value scalar(std::string text, bool quoted = false) {
  return {.kind = Kind::kScalar, .scalar = std::move(text), .quoted = quoted};
}

void put(Value& mapping, std::string_view name, Value value) {
  mapping.kind = Kind::kMapping;
  mapping.fields.emplace_back(scalar(std::string(name)), std::move(value));
}

Value raw(Bytes bytes) {
  Value value;
  put(value, "hex", scalar(format_hex(bytes), true));
  return value;
}

Value number(Bytes bytes, bool is_signed, bool big_endian) {
  const std::uint64_t bits = get_integer(bytes, big_endian);
  if (!is_signed) return scalar(fmt::format("{}", bits));
  return scalar(fmt::format("{}", sign_extend(bits, static_cast<std::uint32_t>(bytes.size() * 8))));
}

bool is_text(Bytes bytes) {
  const auto end = std::ranges::find(bytes, std::byte{0});
  const bool printable =
      std::all_of(bytes.begin(), end, [](std::byte b) { return std::isprint(static_cast<unsigned char>(b)) != 0; });
  return printable && end != bytes.begin() &&
         std::all_of(end, bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

class Decoder {
 public:
  explicit Decoder(const vm::Btf* btf) : btf_(btf) {}

  Value decode(Bytes bytes, std::uint32_t type, const Value* types, unsigned depth = 0) const {
    if (types != nullptr && types->kind == Kind::kScalar) {
      const ScalarFormat* format = scalar_format(types->scalar);
      if (format != nullptr && (format->size == 0 || format->size == bytes.size())) return by_format(bytes, *format);
    }
    if (depth > kDeepest) return raw(bytes);
    if (btf_ == nullptr || btf_->kind(type) == BtfKind::kVoid || btf_->size(type) != bytes.size()) {
      const bool plain = integer_format(static_cast<std::uint32_t>(bytes.size()), false, false) != nullptr;
      return plain ? number(bytes, false, false) : raw(bytes);
    }
    switch (btf_->kind(type)) {
      case BtfKind::kInt: return integer(bytes, type);
      case BtfKind::kEnum: return enumerator(bytes, type);
      case BtfKind::kArray: return array(bytes, type, types, depth);
      case BtfKind::kStruct:
        if (btf_->name(btf_->strip(type)) == "in6_addr" && bytes.size() == 16) return scalar(format_ipv6(bytes), true);
        return structure(bytes, type, types, depth);
      case BtfKind::kUnion: return one_member(bytes, type, types, depth);
      case BtfKind::kVoid:
      case BtfKind::kPointer:
      case BtfKind::kForward:
      case BtfKind::kFunction:
      case BtfKind::kFloat:
      case BtfKind::kOther: break;
    }
    return raw(bytes);
  }

 private:
  static Value by_format(Bytes bytes, const ScalarFormat& format) {
    switch (format.kind) {
      case ScalarFormat::Kind::kIpv4: return scalar(format_ipv4(bytes));
      case ScalarFormat::Kind::kIpv6: return scalar(format_ipv6(bytes), true);
      case ScalarFormat::Kind::kMac: return scalar(format_mac(bytes), true);
      case ScalarFormat::Kind::kHex: return scalar(format_hex(bytes), true);
      case ScalarFormat::Kind::kIfindex:
      case ScalarFormat::Kind::kInteger: break;
    }
    return number(bytes, format.is_signed, format.big_endian);
  }

  Value integer(Bytes bytes, std::uint32_t type) const {
    if (btf_->is_bool(type) && get_integer(bytes, false) <= 1) {
      return scalar(get_integer(bytes, false) == 1 ? "true" : "false");
    }
    const bool big =
        btf_->has_typedef(type, "__be16") || btf_->has_typedef(type, "__be32") || btf_->has_typedef(type, "__be64");
    if (bytes.size() > 8) return raw(bytes);
    if (btf_->is_bool(type)) return raw(bytes);
    return number(bytes, btf_->is_signed(type) && !big, big);
  }

  Value enumerator(Bytes bytes, std::uint32_t type) const {
    const std::uint64_t bits = get_integer(bytes, false);
    for (const auto& known : btf_->enumerators(type)) {
      std::vector<std::byte> stored(bytes.size());
      put_integer(stored, static_cast<std::uint64_t>(known.value), false);
      if (get_integer(stored, false) == bits) return scalar(std::string(known.name));
    }
    return number(bytes, btf_->is_signed(type), false);
  }

  Value array(Bytes bytes, std::uint32_t type, const Value* types, unsigned depth) const {
    const vm::Btf::Array array = btf_->array(type);
    const std::uint32_t size = btf_->size(array.element_type);
    const bool octets = btf_->kind(array.element_type) == BtfKind::kInt && size == 1;
    if (octets && btf_->name(btf_->strip(array.element_type)) == "char") {
      if (is_text(bytes))
        return scalar(std::string(reinterpret_cast<const char*>(bytes.data()),
                                  std::ranges::find(bytes, std::byte{0}) - bytes.begin()),
                      true);
    } else if (octets && bytes.size() == 6) {
      return scalar(format_mac(bytes), true);
    } else if (bytes.size() == 16 && (octets || btf_->has_typedef(array.element_type, "__be32"))) {
      return scalar(format_ipv6(bytes), true);
    }
    Value list{.kind = Kind::kSequence};
    for (std::size_t i = 0; i < array.count && size != 0; ++i) {
      list.items.push_back(decode(bytes.subspan(i * size, size), array.element_type, types, depth + 1));
    }
    return list;
  }

  Value member(Bytes bytes, const vm::Btf::Member& member, const Value* types, unsigned depth) const {
    if (member.bit_size != 0) {
      const std::uint64_t bits = get_bits(bytes, member.bit_offset, member.bit_size);
      return scalar(btf_->is_signed(member.type) ? fmt::format("{}", sign_extend(bits, member.bit_size))
                                                 : fmt::format("{}", bits));
    }
    const Value* override_of = types != nullptr ? types->find(member.name) : nullptr;
    return decode(bytes.subspan(member.bit_offset / 8, btf_->size(member.type)), member.type, override_of, depth + 1);
  }

  // Members that share bytes with one already taken are left out: encode wants one of them.
  Value structure(Bytes bytes, std::uint32_t type, const Value* types, unsigned depth) const {
    Value mapping{.kind = Kind::kMapping};
    auto members = flat_members(*btf_, type);
    std::ranges::stable_sort(members, [&](const auto& a, const auto& b) {
      return a.bit_offset < b.bit_offset ||
             (a.bit_offset == b.bit_offset && member_bits(*btf_, a) > member_bits(*btf_, b));
    });
    std::uint32_t covered = 0;  // bits
    for (const auto& part : members) {
      const std::uint32_t end = part.bit_offset + member_bits(*btf_, part);
      if (part.bit_offset < covered || end > bytes.size() * 8 || end == part.bit_offset) continue;
      put(mapping, part.name, member(bytes, part, types, depth));
      covered = end;
    }
    return mapping;
  }

  Value one_member(Bytes bytes, std::uint32_t type, const Value* types, unsigned depth) const {
    for (const auto& part : flat_members(*btf_, type)) {
      if (part.bit_offset != 0 || member_bits(*btf_, part) != bytes.size() * 8) continue;
      Value mapping;
      put(mapping, part.name, member(bytes, part, types, depth));
      return mapping;
    }
    return raw(bytes);
  }

  const vm::Btf* btf_;
};

// "10.0.0.0/8" when the bytes are such a key, with no bits behind the prefix.
std::optional<Value> prefix(Bytes bytes) {
  const Bytes data = bytes.subspan(4);
  const std::uint64_t length = get_integer(bytes.first(4), false);
  std::vector<std::byte> copy(data.begin(), data.end());
  if (length > data.size() * 8 || clear_host_bits(copy, static_cast<std::uint32_t>(length))) return std::nullopt;
  if (data.size() == 4) return scalar(fmt::format("{}/{}", format_ipv4(data), length));
  if (data.size() == 16) return scalar(fmt::format("{}/{}", format_ipv6(data), length), true);
  if (data.size() == 6) return scalar(fmt::format("{}/{}", format_mac(data), length), true);
  return std::nullopt;
}

}  // namespace

Value decode(Bytes bytes, const ValueType& type) {
  const vm::Btf* btf = type.type == 0 ? nullptr : type.btf;
  const bool two = btf == nullptr || btf->kind(type.type) != BtfKind::kStruct || btf->members(type.type).size() == 2;
  if (type.prefix && two && bytes.size() > 4) {
    if (auto text = prefix(bytes)) return *text;
  }
  return Decoder(btf).decode(bytes, type.type, type.types);
}

std::string to_text(const Value& value) {
  std::string text;
  switch (value.kind) {
    case Kind::kNull: return "null";
    case Kind::kScalar: return value.quoted ? fmt::format("\"{}\"", value.scalar) : value.scalar;
    case Kind::kSequence:
      for (const Value& item : value.items) text += (text.empty() ? "" : ", ") + to_text(item);
      return fmt::format("[{}]", text);
    case Kind::kMapping:
      for (const auto& [key, field] : value.fields) {
        text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key.scalar, to_text(field));
      }
      return fmt::format("{{{}}}", text);
  }
  return text;
}

}  // namespace sluice::pipeline
