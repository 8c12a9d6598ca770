#include "dataplane/pipeline/values.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "dataplane/pipeline/value_text.h"
#include "dataplane/pipeline/value_types.h"

namespace sluice::pipeline {
namespace {

using config::Value;
using Kind = Value::Kind;
using BtfKind = vm::Btf::Kind;
using Bytes = std::span<std::byte>;

constexpr unsigned kDeepest = 32;  // levels of structs and arrays; BTF and YAML are hostile input

std::string described(const Value& value) {
  switch (value.kind) {
    case Kind::kNull: return "nothing";
    case Kind::kScalar: return fmt::format("'{}'", printable(value.scalar));
    case Kind::kSequence: return "a list";
    case Kind::kMapping: return "a mapping";
  }
  return {};
}

bool is_raw(const Value& value) {
  return value.kind == Kind::kMapping && value.fields.size() == 1 && value.fields[0].key.scalar == "hex" &&
         value.fields[0].value.kind == Kind::kScalar;
}

std::string limits(std::uint32_t bits, bool is_signed) {
  const std::uint64_t most = bits >= 64 ? UINT64_MAX : (std::uint64_t{1} << bits) - 1;
  if (!is_signed) return fmt::format("0..{}", most);
  return fmt::format("-{}..{}", (most >> 1) + 1, most >> 1);
}

// The two's complement of a number that fits `bits` bits.
std::optional<std::uint64_t> fitted(const Integer& integer, std::uint32_t bits, bool is_signed) {
  const std::uint64_t most = bits >= 64 ? UINT64_MAX : (std::uint64_t{1} << bits) - 1;
  if (integer.negative) {
    if (!is_signed || integer.magnitude > (most >> 1) + 1) return std::nullopt;
    return (~integer.magnitude + 1) & most;
  }
  if (integer.magnitude > (is_signed ? most >> 1 : most)) return std::nullopt;
  return integer.magnitude;
}

class Encoder {
 public:
  Encoder(const ValueReader& reader, const vm::Btf* btf) : reader_(reader), btf_(btf) {}

  bool encode(const Value& value, std::uint32_t type, const Value* types, const std::string& what, Bytes out,
              unsigned depth = 0);
  bool encode_prefix(const Value& value, const std::string& what, Bytes out);

 private:
  bool error(const Value& value, std::string_view code, std::string message) const {
    reader_.diagnostics.add(reader_.sources.at(value.mark, std::string(code), std::move(message)));
    return false;
  }
  bool expected(const Value& value, const std::string& what, std::string_view wanted) const {
    return error(value, "value-type", fmt::format("{}: expected {}, not {}", what, wanted, described(value)));
  }
  // The number in `value` as bits of `format`'s width, or nothing after a diagnostic.
  std::optional<std::uint64_t> integer(const Value& value, std::uint32_t bits, bool is_signed, std::string_view name,
                                       const std::string& what, bool names_allowed) const;
  bool encode_format(const Value& value, const ScalarFormat& format, const std::string& what, Bytes out) const;
  bool encode_hex(const Value& value, const std::string& text, const std::string& what, Bytes out) const;
  bool encode_int(const Value& value, std::uint32_t type, const std::string& what, Bytes out) const;
  bool encode_enum(const Value& value, std::uint32_t type, const std::string& what, Bytes out) const;
  bool encode_array(const Value& value, std::uint32_t type, const Value* types, const std::string& what, Bytes out,
                    unsigned depth);
  std::optional<bool> encode_text_array(const Value& value, const vm::Btf::Array& array, const std::string& what,
                                        Bytes out) const;
  bool encode_fields(const Value& value, std::uint32_t type, const Value* types, const std::string& what, Bytes out,
                     unsigned depth);
  bool encode_member(const Value& value, const vm::Btf::Member& member, const Value* types, const std::string& what,
                     Bytes out, unsigned depth);
  bool unknown_field(const Value& key, std::span<const vm::Btf::Member> members, std::uint32_t type,
                     const std::string& what) const;
  bool encode_untyped(const Value& value, const std::string& what, Bytes out) const;
  std::string not_a_number(const Value& value, std::string_view name, std::string_view range, bool names_allowed) const;

  const ValueReader& reader_;
  const vm::Btf* btf_;
};

std::string Encoder::not_a_number(const Value& value, std::string_view name, std::string_view range,
                                  bool names_allowed) const {
  std::string message =
      fmt::format("expected {} ({}){}, not {}", name, range, names_allowed ? " or a port name" : "", described(value));
  if (value.kind != Kind::kScalar) return message;
  if (value.quoted && parse_integer(value.scalar)) return message + "; numbers stand without quotes";
  if (parse_ipv4(value.scalar)) return message + "; say `ipv4` under `types:` when it holds an address";
  if (!names_allowed) return message;
  std::vector<std::string_view> names;
  for (const auto& port : reader_.ports) names.push_back(port.first);
  const std::string_view near = nearest(value.scalar, names);
  return near.empty() ? message : fmt::format("{}; did you mean '{}'?", message, near);
}

std::optional<std::uint64_t> Encoder::integer(const Value& value, std::uint32_t bits, bool is_signed,
                                              std::string_view name, const std::string& what,
                                              bool names_allowed) const {
  if (value.kind == Kind::kScalar && !value.quoted) {
    if (const auto number = parse_integer(value.scalar)) {
      if (const auto fit = fitted(*number, bits, is_signed)) return fit;
      error(value, "value-range",
            fmt::format("{} {} does not fit {} ({})", what, value.scalar, name, limits(bits, is_signed)));
      return std::nullopt;
    }
  }
  if (value.kind == Kind::kScalar && names_allowed) {
    const auto port = reader_.ports.find(value.scalar);
    if (port != reader_.ports.end()) return port->second;
  }
  if (value.kind == Kind::kScalar && btf_ != nullptr) {
    if (const auto enumerator = btf_->enumerator(value.scalar)) {
      const Integer number{.negative = *enumerator < 0,
                           .magnitude = *enumerator < 0 ? ~static_cast<std::uint64_t>(*enumerator) + 1
                                                        : static_cast<std::uint64_t>(*enumerator)};
      if (const auto fit = fitted(number, bits, is_signed)) return fit;
    }
  }
  error(value, "value-type",
        fmt::format("{}: {}", what, not_a_number(value, name, limits(bits, is_signed), names_allowed)));
  return std::nullopt;
}

bool Encoder::encode_hex(const Value& value, const std::string& text, const std::string& what, Bytes out) const {
  const auto bytes = parse_hex(text);
  if (!bytes) return expected(value, what, fmt::format("{} bytes as hex digits", out.size()));
  if (bytes->size() != out.size()) {
    return error(value, "value-range",
                 fmt::format("{}: {} bytes of hex, expected {}", what, bytes->size(), out.size()));
  }
  std::ranges::copy(*bytes, out.begin());
  return true;
}

bool Encoder::encode_format(const Value& value, const ScalarFormat& format, const std::string& what, Bytes out) const {
  const auto copy = [&](const auto& parsed, std::string_view wanted) {
    if (!parsed) return expected(value, what, wanted);
    std::ranges::copy(*parsed, out.begin());
    return true;
  };
  const std::string_view text = value.kind == Kind::kScalar ? std::string_view(value.scalar) : std::string_view();
  switch (format.kind) {
    case ScalarFormat::Kind::kIpv4: return copy(parse_ipv4(text), "an IPv4 address");
    case ScalarFormat::Kind::kIpv6: return copy(parse_ipv6(text), "an IPv6 address");
    case ScalarFormat::Kind::kMac: return copy(parse_mac(text), "a MAC address");
    case ScalarFormat::Kind::kHex:
      if (value.kind != Kind::kScalar) return expected(value, what, fmt::format("{} bytes as hex digits", out.size()));
      return encode_hex(value, value.scalar, what, out);
    case ScalarFormat::Kind::kIfindex:
    case ScalarFormat::Kind::kInteger: break;
  }
  const bool port = format.kind == ScalarFormat::Kind::kIfindex;
  const auto bits = integer(value, format.size * 8, format.is_signed, format.name, what, port);
  if (!bits) return false;
  put_integer(out, *bits, format.big_endian);
  return true;
}

bool Encoder::encode_int(const Value& value, std::uint32_t type, const std::string& what, Bytes out) const {
  const auto size = static_cast<std::uint32_t>(out.size());
  if (btf_->is_bool(type) && value.kind == Kind::kScalar && !value.quoted &&
      (value.scalar == "true" || value.scalar == "false")) {
    put_integer(out, value.scalar == "true" ? 1 : 0, false);
    return true;
  }
  if (btf_->is_bool(type)) {
    if (value.kind != Kind::kScalar || value.quoted || (value.scalar != "0" && value.scalar != "1")) {
      return expected(value, what, "true or false");
    }
  }
  const bool big = (size == 2 && btf_->has_typedef(type, "__be16")) ||
                   (size == 4 && btf_->has_typedef(type, "__be32")) || (size == 8 && btf_->has_typedef(type, "__be64"));
  if (big && size == 4 && value.kind == Kind::kScalar) {
    if (const auto address = parse_ipv4(value.scalar)) {
      std::ranges::copy(*address, out.begin());
      return true;
    }
  }
  const bool is_signed = btf_->is_signed(type);
  const ScalarFormat* format = integer_format(size, is_signed, big);
  if (format == nullptr) return expected(value, what, fmt::format("{{hex: ...}} of {} bytes", size));
  const bool port = size == 4 && !big && !is_signed;
  const auto bits = integer(value, size * 8, format->is_signed, format->name, what, port);
  if (!bits) return false;
  put_integer(out, *bits, big);
  return true;
}

bool Encoder::encode_enum(const Value& value, std::uint32_t type, const std::string& what, Bytes out) const {
  const auto enumerators = btf_->enumerators(type);
  if (value.kind == Kind::kScalar) {
    const auto found = std::ranges::find(enumerators, value.scalar, &vm::Btf::Enumerator::name);
    if (found != enumerators.end()) {
      put_integer(out, static_cast<std::uint64_t>(found->value), false);
      return true;
    }
    const auto number = value.quoted ? std::nullopt : parse_integer(value.scalar);
    if (number) {
      const auto bits = integer(value, static_cast<std::uint32_t>(out.size() * 8), btf_->is_signed(type),
                                fmt::format("enum {}", btf_->name(btf_->strip(type))), what, false);
      if (bits) put_integer(out, *bits, false);
      return bits.has_value();
    }
  }
  std::vector<std::string_view> names;
  for (const auto& enumerator : enumerators) names.push_back(enumerator.name);
  const std::string_view near = nearest(value.scalar, names);
  return error(
      value, "value-enum",
      fmt::format("{}: {} is no enumerator of enum {}{}", what, described(value), btf_->name(btf_->strip(type)),
                  near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)));
}

// Arrays that people write as one word; nothing when `array` is none of them.
std::optional<bool> Encoder::encode_text_array(const Value& value, const vm::Btf::Array& array, const std::string& what,
                                               Bytes out) const {
  const std::uint32_t element = array.element_type;
  const bool bytes = btf_->kind(element) == BtfKind::kInt && btf_->size(element) == 1;
  const bool words = btf_->has_typedef(element, "__be32") && array.count == 4;
  if (words || (bytes && array.count == 16)) {
    if (const auto address = parse_ipv6(value.scalar)) {
      std::ranges::copy(*address, out.begin());
      return true;
    }
    if (words || btf_->name(btf_->strip(element)) != "char") return expected(value, what, "an IPv6 address");
  }
  if (!bytes) return std::nullopt;
  if (btf_->name(btf_->strip(element)) == "char") {
    if (value.scalar.size() > out.size()) {
      return error(value, "value-range",
                   fmt::format("{}: '{}' has {} characters, at most {} fit", what, printable(value.scalar),
                               value.scalar.size(), out.size()));
    }
    std::ranges::transform(value.scalar, out.begin(), [](char c) { return static_cast<std::byte>(c); });
    return true;
  }
  if (array.count == 6) return encode_format(value, *scalar_format("mac"), what, out);
  if (array.count == 4 && parse_ipv4(value.scalar)) return encode_format(value, *scalar_format("ipv4"), what, out);
  return std::nullopt;
}

bool Encoder::encode_array(const Value& value, std::uint32_t type, const Value* types, const std::string& what,
                           Bytes out, unsigned depth) {
  const vm::Btf::Array array = btf_->array(type);
  const std::uint32_t element_size = btf_->size(array.element_type);
  if (value.kind == Kind::kScalar) {
    if (const auto done = encode_text_array(value, array, what, out)) return *done;
  }
  if (value.kind != Kind::kSequence) return expected(value, what, fmt::format("a list of {}", array.count));
  if (value.items.size() > array.count) {
    return error(value.items[array.count], "value-range",
                 fmt::format("{}: {} elements, at most {} fit", what, value.items.size(), array.count));
  }
  bool ok = true;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    ok = encode(value.items[i], array.element_type, types, fmt::format("{}[{}]", what, i),
                out.subspan(i * element_size, element_size), depth + 1) &&
         ok;
  }
  return ok;
}

bool Encoder::unknown_field(const Value& key, std::span<const vm::Btf::Member> members, std::uint32_t type,
                            const std::string& what) const {
  std::vector<std::string_view> names;
  for (const auto& member : members) names.push_back(member.name);
  const std::string_view near = nearest(key.scalar, names);
  std::string known;
  for (const std::string_view name : names) known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  const std::string_view name = btf_->name(btf_->strip(type));
  return error(
      key, "value-field",
      fmt::format("{}: {}{} has no field {}; {}", what, btf_->kind(type) == BtfKind::kUnion ? "the union" : "struct",
                  name.empty() ? std::string() : fmt::format(" {}", name), described(key),
                  near.empty() ? fmt::format("it has {}", known) : fmt::format("did you mean '{}'?", near)));
}

bool Encoder::encode_member(const Value& value, const vm::Btf::Member& member, const Value* types,
                            const std::string& what, Bytes out, unsigned depth) {
  const Value* override_of = types != nullptr ? types->find(member.name) : nullptr;
  if (member.bit_size == 0) {
    return encode(value, member.type, override_of, what, out.subspan(member.bit_offset / 8, btf_->size(member.type)),
                  depth + 1);
  }
  const bool flag = member.bit_size == 1 && value.kind == Kind::kScalar && !value.quoted;
  if (flag && (value.scalar == "true" || value.scalar == "false")) {
    put_bits(out, member.bit_offset, 1, value.scalar == "true" ? 1 : 0);
    return true;
  }
  const auto bits = integer(value, member.bit_size, btf_->is_signed(member.type),
                            fmt::format("{} bits", member.bit_size), what, false);
  if (bits) put_bits(out, member.bit_offset, member.bit_size, *bits);
  return bits.has_value();
}

bool Encoder::encode_fields(const Value& value, std::uint32_t type, const Value* types, const std::string& what,
                            Bytes out, unsigned depth) {
  if (value.kind != Kind::kMapping) {
    return expected(value, what, fmt::format("the fields of struct {}", btf_->name(btf_->strip(type))));
  }
  const auto members = flat_members(*btf_, type);
  std::vector<const vm::Btf::Member*> written;
  bool ok = true;
  for (const auto& [key, field] : value.fields) {
    const auto member = std::ranges::find(members, key.scalar, &vm::Btf::Member::name);
    if (key.kind != Kind::kScalar || member == members.end()) {
      ok = unknown_field(key, members, type, what);
      continue;
    }
    const std::uint32_t end = member->bit_offset + member_bits(*btf_, *member);
    if (end > out.size() * 8) {  // only in damaged BTF
      ok = error(key, "value-field", fmt::format("{}.{}: lies outside its struct", what, key.scalar));
      continue;
    }
    for (const vm::Btf::Member* other : written) {
      if (other->bit_offset < end && member->bit_offset < other->bit_offset + member_bits(*btf_, *other)) {
        ok = error(
            key, "value-field",
            fmt::format("{}: '{}' and '{}' share their bytes: give one of them", what, other->name, member->name));
      }
    }
    written.push_back(&*member);
    ok = encode_member(field, *member, types, fmt::format("{}.{}", what, key.scalar), out, depth) && ok;
  }
  return ok;
}

bool Encoder::encode_untyped(const Value& value, const std::string& what, Bytes out) const {
  const auto size = static_cast<std::uint32_t>(out.size());
  if (value.kind == Kind::kScalar) {
    if (size == 4 && parse_ipv4(value.scalar)) return encode_format(value, *scalar_format("ipv4"), what, out);
    if (size == 6) return encode_format(value, *scalar_format("mac"), what, out);
    if (size == 16) return encode_format(value, *scalar_format("ipv6"), what, out);
    if (size == 4) return encode_format(value, *scalar_format("ifindex"), what, out);
    const bool negative = value.scalar.starts_with('-');
    if (const ScalarFormat* format = integer_format(size, negative, false)) {
      return encode_format(value, *format, what, out);
    }
  }
  return expected(value, what, fmt::format("{{hex: ...}} of {} bytes, as the object has no type for it", size));
}

bool Encoder::encode(const Value& value, std::uint32_t type, const Value* types, const std::string& what, Bytes out,
                     unsigned depth) {
  if (depth > kDeepest) return error(value, "value-type", fmt::format("{}: nested too deep", what));
  if (is_raw(value) &&
      (btf_ == nullptr || std::ranges::count(flat_members(*btf_, type), "hex", &vm::Btf::Member::name) == 0)) {
    const Value& hex = value.fields[0].value;
    return encode_hex(hex, hex.scalar, what, out);
  }
  if (types != nullptr && types->kind == Kind::kScalar) {
    const ScalarFormat* format = scalar_format(types->scalar);
    if (format != nullptr && (format->size == 0 || format->size == out.size())) {
      return encode_format(value, *format, what, out);
    }
  }
  if (btf_ == nullptr || btf_->kind(type) == BtfKind::kVoid || btf_->size(type) != out.size()) {
    return encode_untyped(value, what, out);
  }
  switch (btf_->kind(type)) {
    case BtfKind::kInt: return encode_int(value, type, what, out);
    case BtfKind::kEnum: return encode_enum(value, type, what, out);
    case BtfKind::kArray: return encode_array(value, type, types, what, out, depth);
    case BtfKind::kStruct:
      if (value.kind == Kind::kScalar && btf_->name(btf_->strip(type)) == "in6_addr") {
        return encode_format(value, *scalar_format("ipv6"), what, out);
      }
      return encode_fields(value, type, types, what, out, depth);
    case BtfKind::kUnion: return encode_fields(value, type, types, what, out, depth);
    case BtfKind::kVoid:
    case BtfKind::kPointer:
    case BtfKind::kForward:
    case BtfKind::kFunction:
    case BtfKind::kFloat:
    case BtfKind::kOther: break;
  }
  return expected(value, what, fmt::format("{{hex: ...}} of {} bytes", out.size()));
}

bool Encoder::encode_prefix(const Value& value, const std::string& what, Bytes out) {
  constexpr std::size_t kLength = 4;  // struct bpf_lpm_trie_key: prefixlen in host order, then the data
  const Bytes data = out.subspan(kLength);
  const auto bits = static_cast<std::uint32_t>(data.size() * 8);
  const auto prefix = split_prefix(value.scalar);
  const std::string_view address = prefix ? prefix->address : std::string_view();
  const std::string_view wanted =
      data.size() == 4
          ? "an IPv4 prefix (10.0.0.0/8)"
          : (data.size() == 16
                 ? "an IPv6 prefix (2001:db8::/32)"
                 : (data.size() == 6 ? "a MAC prefix (02:00:00:00:00:00/24)" : "{prefixlen: ..., ...} by its fields"));
  const auto take = [&](const auto& parsed) {
    if (!parsed) return false;
    std::ranges::copy(*parsed, data.begin());
    return true;
  };
  const bool parsed = (data.size() == 4 && take(parse_ipv4(address))) ||
                      (data.size() == 16 && take(parse_ipv6(address))) ||
                      (data.size() == 6 && take(parse_mac(address)));
  if (!parsed) return expected(value, what, wanted);
  const std::uint32_t length = prefix->length.value_or(bits);
  if (length > bits) {
    return error(value, "value-range",
                 fmt::format("{} {}: prefix length {} is out of range 0..{}", what, value.scalar, length, bits));
  }
  if (clear_host_bits(data, length)) {
    const std::string network =
        data.size() == 4 ? format_ipv4(data) : (data.size() == 16 ? format_ipv6(data) : format_mac(data));
    return error(
        value, "value-range",
        fmt::format("{} {}: has bits behind its prefix; did you mean '{}/{}'?", what, value.scalar, network, length));
  }
  put_integer(out.first(kLength), length, false);
  return true;
}

// The members behind prefixlen are one address (or nobody knows): text can be a prefix.
bool takes_prefix_text(const ValueType& type) {
  if (!type.prefix || type.size <= 4) return false;
  if (type.btf == nullptr || type.btf->kind(type.type) != BtfKind::kStruct) return true;
  return type.btf->members(type.type).size() == 2;
}

}  // namespace

bool ValueReader::encode(const Value& value, const ValueType& type, const std::string& what, Bytes out) const {
  std::ranges::fill(out, std::byte{0});
  const vm::Btf* btf = type.type == 0 ? nullptr : type.btf;
  Encoder encoder(*this, btf);
  if (value.kind == Kind::kScalar && takes_prefix_text(type)) return encoder.encode_prefix(value, what, out);
  return encoder.encode(value, type.type, type.types, what, out);
}

}  // namespace sluice::pipeline
