#include "dataplane/cli/record_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/diagnostics.h"
#include "dataplane/pipeline/value_text.h"
#include "dataplane/pipeline/values.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using Bytes = std::span<const std::byte>;
using BtfKind = vm::Btf::Kind;
using config::Value;

constexpr std::size_t kRow = 16;  // bytes a line of a dump

// Offset, hex and characters, as `hexdump -C` has them, two blanks in front.
std::string dump(Bytes bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += kRow) {
    const Bytes row = bytes.subspan(at, std::min(kRow, bytes.size() - at));
    text += fmt::format("  {:08x} ", at);
    std::string characters;
    for (std::size_t i = 0; i < kRow; ++i) {
      if (i == kRow / 2) text += ' ';
      if (i >= row.size()) {
        text += "   ";
        continue;
      }
      const auto byte = static_cast<unsigned char>(row[i]);
      text += fmt::format(" {:02x}", byte);
      characters += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
    }
    text += fmt::format("  |{}|\n", characters);
  }
  return text;
}

// Whether values of the type can be shown.
bool has_values(const vm::Btf& btf, std::uint32_t type) {
  switch (btf.kind(type)) {
    case BtfKind::kInt:
    case BtfKind::kArray:
    case BtfKind::kStruct:
    case BtfKind::kUnion:
    case BtfKind::kEnum:
    case BtfKind::kFloat: return btf.size(type) != 0;
    case BtfKind::kVoid:
    case BtfKind::kPointer:
    case BtfKind::kForward:
    case BtfKind::kFunction:
    case BtfKind::kOther: break;
  }
  return false;
}

// Id of the type called `name`, "struct " in front allowed; 0 = none. Variables have names of their own.
std::uint32_t find_type(const vm::Btf& btf, std::string_view name) {
  for (const std::string_view word : {"struct ", "union ", "enum "}) {
    if (name.starts_with(word)) name.remove_prefix(word.size());
  }
  for (std::uint32_t type = 1; type <= btf.type_count(); ++type) {
    if (btf.name(type) == name && has_values(btf, type)) return type;
  }
  return 0;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view near = nearest(word, candidates);
  return near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
}

Error no_type(std::span<RecordMap* const> maps, std::string_view name) {
  std::vector<std::string_view> names;
  bool any = false;
  for (const RecordMap* map : maps) {
    if (map->btf == nullptr) continue;
    any = true;
    for (std::uint32_t type = 1; type <= map->btf->type_count(); ++type) {
      if (has_values(*map->btf, type) && !map->btf->name(type).empty()) names.push_back(map->btf->name(type));
    }
  }
  if (!any) return {ErrorCode::kUsage, fmt::format("record type {}: the object has no BTF", printable(name))};
  const std::string near = did_you_mean(name, names);
  return {ErrorCode::kUsage,
          fmt::format("record type {}: the object's BTF has no such type{}", printable(name),
                      near.empty() ? " (those of local variables alone are not in it; a global pointer to one suffices)"
                                   : near)};
}

Result<void> set_type(std::span<RecordMap* const> maps, std::string_view word) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(equals == word.npos ? 0 : equals + 1);
  std::vector<RecordMap*> meant;
  std::vector<std::string_view> known;
  for (RecordMap* map : maps) {
    known.push_back(map->name);
    if (equals == word.npos || map->name == word.substr(0, equals)) meant.push_back(map);
  }
  if (maps.empty()) return Error{ErrorCode::kUsage, fmt::format("record type {}: no map is read", printable(word))};
  if (meant.empty()) {
    return Error{ErrorCode::kUsage, fmt::format("record type {}: no such map is shown{}", printable(word),
                                                did_you_mean(word.substr(0, equals), known))};
  }
  bool found = false;
  for (RecordMap* map : meant) {
    const std::uint32_t type = map->btf == nullptr ? 0 : find_type(*map->btf, name);
    if (type == 0) continue;
    map->type = type;
    found = true;
  }
  if (!found) return no_type(meant, name);
  return {};
}

// The value that the record begins with, when its type is known and it is long enough: what the program appended of
// the frame is none of it.
std::optional<Value> value_of(const pipeline::RingRecord& record, const RecordMap& map, std::uint32_t& size) {
  size = map.type == 0 ? 0 : map.btf->size(map.type);
  if (size == 0 || record.bytes.size() - record.of_frame < size) {
    size = 0;
    return std::nullopt;
  }
  return pipeline::decode(record.bytes.first(size), {.btf = map.btf.get(), .type = map.type, .size = size});
}

Json scalar_json(const Value& value) {
  if (value.quoted) return value.scalar;
  if (value.scalar == "true" || value.scalar == "false") return value.scalar == "true";
  const auto number = pipeline::parse_integer(value.scalar);
  if (!number) return value.scalar;
  if (!number->negative) return number->magnitude;
  return static_cast<std::int64_t>(0 - number->magnitude);
}

Json value_json(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull: return nullptr;
    case Value::Kind::kScalar: return scalar_json(value);
    case Value::Kind::kSequence: {
      Json list = Json::array();
      for (const Value& item : value.items) list.push_back(value_json(item));
      return list;
    }
    case Value::Kind::kMapping: {
      Json object = Json::object();
      for (const auto& [key, field] : value.fields) object[key.scalar] = value_json(field);
      return object;
    }
  }
  return nullptr;
}

}  // namespace

Result<void> set_types(std::span<RecordMap* const> maps, std::span<const std::string> words) {
  // What names a map goes before what does not, wherever it stands.
  for (const bool named : {false, true}) {
    for (const std::string& word : words) {
      if ((word.find('=') != word.npos) != named) continue;
      if (auto done = set_type(maps, word); !done) return done;
    }
  }
  return {};
}

std::string record_text(const pipeline::RingRecord& record, const RecordMap& map, const RecordOrigin& origin) {
  std::string text;
  if (origin.time_ns)
    text = fmt::format("{}.{:09}  ", *origin.time_ns / 1'000'000'000U, *origin.time_ns % 1'000'000'000U);
  if (!origin.port.empty()) text += fmt::format("{}  ", origin.port);
  text += map.name;
  if (record.cpu) text += fmt::format("  cpu {}", *record.cpu);
  text += fmt::format("  {} byte{}", record.bytes.size(), record.bytes.size() == 1 ? "" : "s");
  if (record.of_frame != 0) text += fmt::format(", {} of the frame", record.of_frame);
  std::uint32_t size = 0;
  if (const auto value = value_of(record, map, size)) text += "  " + pipeline::to_text(*value);
  return text + "\n" + dump(record.bytes.subspan(size));
}

Json record_json(const pipeline::RingRecord& record, const RecordMap& map, const RecordOrigin& origin) {
  Json json = Json::object();
  if (origin.time_ns) json["time_ns"] = *origin.time_ns;
  if (!origin.port.empty()) json["port"] = origin.port;
  json["map"] = map.name;
  json["cpu"] = record.cpu ? Json(*record.cpu) : Json(nullptr);
  json["size"] = record.bytes.size();
  json["of_frame"] = record.of_frame;
  std::uint32_t size = 0;
  const auto value = value_of(record, map, size);
  json["value"] = value ? value_json(*value) : Json(nullptr);
  json["hex"] = pipeline::format_hex(record.bytes);
  return json;
}

}  // namespace sluice::cli
