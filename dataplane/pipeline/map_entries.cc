// maps.X.entries and maps.X.file into a map: fill_map of objects.h.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/pipeline/objects.h"
#include "dataplane/pipeline/rings.h"
#include "dataplane/pipeline/value_text.h"
#include "vm/whole_file.h"

namespace sluice::pipeline {
namespace {

using config::Value;
using nlohmann::json;
using Bytes = std::vector<std::byte>;

constexpr unsigned kDeepestJson = 32;  // levels

// Any order will do; the vector's own <=> makes g++ 12 warn at -O3.
struct BytesLess {
  bool operator()(const Bytes& a, const Bytes& b) const noexcept { return std::ranges::lexicographical_compare(a, b); }
};

class MapFiller {
 public:
  MapFiller(const LoadContext& context, const config::Map& config, vm::Map& map, const vm::Btf* btf,
            const MapFinder& find)
      : context_(context),
        config_(config),
        map_(map),
        of_maps_(dynamic_cast<vm::MapOfMaps*>(&map)),
        find_(find),
        what_(fmt::format("map {}", config.name.value)),
        key_type_{.btf = btf,
                  .type = map.spec().key_type,
                  .size = map.spec().key_size,
                  .types = config.key_type ? &*config.key_type : nullptr,
                  .prefix = map.spec().type == vm::MapType::kLpmTrie},
        value_type_{.btf = btf,
                    .type = map.spec().value_type,
                    .size = map.spec().value_size,
                    .types = config.value_type ? &*config.value_type : nullptr} {}

  void fill() {
    if (!check_reader(context_, config_, map_)) return;
    if (map_.spec().type == vm::MapType::kProgArray && (!config_.entries.empty() || !config_.file.value.empty())) {
      context_.error(config_.name.mark, "map-entry",
                     fmt::format("{}: a prog array is filled by pipelines.NAME.tail_calls", what_));
      return;
    }
    if (dynamic_cast<const vm::Queue*>(&map_) != nullptr && (!config_.entries.empty() || !config_.file.value.empty())) {
      context_.error(config_.name.mark, "map-entry",
                     fmt::format("{}: a {} has no keys: programs fill it", what_, vm::map_type_name(map_.spec().type)));
      return;
    }
    const ValueReader reader = context_.values();
    const bool key_ok = reader.check_types(key_type_, what_ + ": types.key");
    const bool value_ok = reader.check_types(value_type_, what_ + ": types.value");
    if (!key_ok || !value_ok) return;
    if (!config_.file.value.empty()) fill_file();
    for (const config::MapEntry& entry : config_.entries) {
      if (entry.values.kind == Value::Kind::kSequence) {
        add_percpu(entry);
      } else {
        add(entry.key, entry.value, entry.mark);
      }
    }
  }

 private:
  bool holds_ports() const noexcept {
    const vm::MapType type = map_.spec().type;
    return type == vm::MapType::kDevmap || type == vm::MapType::kDevmapHash || type == vm::MapType::kXskmap;
  }

  void add(const Value& key, const Value& value, const config::Mark& mark) {
    const ValueReader reader = context_.values();
    Bytes key_bytes(key_type_.size);
    Bytes value_bytes(value_type_.size);
    const bool key_ok = reader.encode(key, key_type_, what_ + ": key", key_bytes);
    if (of_maps_ != nullptr) {
      const std::shared_ptr<vm::Map> inner = named_map(value);
      if (key_ok && inner != nullptr && is_new(key_bytes, mark)) {
        judge(of_maps_->set(key_bytes.data(), inner, vm::UpdateMode::kAny), mark);
      }
      return;
    }
    const bool value_ok = holds_ports()                              ? encode_port(value, value_bytes)
                          : map_.spec().type == vm::MapType::kCpumap ? encode_cpu(key_bytes, value, value_bytes)
                                                                     : encode_value(value, value_bytes);
    if (key_ok && value_ok) store(key_bytes, every_cpu(value_bytes), mark);
  }

  bool encode_value(const Value& value, Bytes& bytes) const {
    return context_.values().encode(value, value_type_, what_ + ": value", bytes);
  }

  // A CPUMAP's entry: how many frames may wait, {worker: N, queue: THAT}, or the fields of struct bpf_cpumap_val. What
  // follows the number in an 8-byte value is the program's, set by the wiring.
  bool encode_cpu(const Bytes& key, const Value& value, Bytes& bytes) const {
    const Value* const queue = value.find("queue");
    if (queue != nullptr) return encode_waiting(*queue, bytes) && fits_worker(key, value);
    if (value.find("worker") != nullptr) {
      context_.error(value.mark, "map-entry",
                     fmt::format("{}: value: queue is missing: how many frames may wait", what_));
      return false;
    }
    return value.kind == Value::Kind::kScalar ? encode_waiting(value, bytes) : encode_value(value, bytes);
  }

  bool encode_waiting(const Value& number, Bytes& bytes) const {
    constexpr std::size_t kWaiting = 4;  // bytes
    if (!context_.values().encode(number, {.size = kWaiting}, what_ + ": queue", std::span(bytes).first(kWaiting))) {
      return false;
    }
    const bool any = std::ranges::any_of(bytes, [](std::byte byte) { return byte != std::byte{0}; });
    if (!any)
      context_.error(number.mark, "map-entry", fmt::format("{}: queue: at least 1 frame must be let in", what_));
    return any;
  }

  // Of {worker: N, queue: ...}: nothing else is there, and N is what the key says.
  bool fits_worker(const Bytes& key, const Value& value) const {
    for (const config::Field& field : value.fields) {
      if (field.key.scalar == "queue") continue;
      Bytes worker(key.size());
      if (field.key.scalar != "worker") {
        context_.error(
            field.key.mark, "map-entry",
            fmt::format("{}: value: unknown field '{}', expected worker, queue", what_, printable(field.key.scalar)));
        return false;
      }
      if (!context_.values().encode(field.value, {.size = key_type_.size}, what_ + ": worker", worker)) return false;
      if (worker == key) continue;
      context_.error(field.value.mark, "map-entry",
                     fmt::format("{}: worker {}: the key is the number of the worker that runs the frames", what_,
                                 printable(field.value.scalar)));
      return false;
    }
    return true;
  }

  // Values of single CPUs; those of CPUs that are not there are checked and left out: files serve several machines.
  void add_percpu(const config::MapEntry& entry) {
    if (!map_.is_percpu()) {
      context_.error(entry.values.mark, "map-entry", fmt::format("{}: `values` belongs to per-CPU maps", what_));
      return;
    }
    const ValueReader reader = context_.values();
    Bytes key(key_type_.size);
    Bytes all(map_.transfer_size());
    bool ok = reader.encode(entry.key, key_type_, what_ + ": key", key);
    for (std::size_t cpu = 0; cpu < entry.values.items.size(); ++cpu) {
      Bytes one(value_type_.size);
      ok = reader.encode(entry.values.items[cpu], value_type_, fmt::format("{}: values[{}]", what_, cpu), one) && ok;
      if (cpu < map_.cpus()) {
        std::ranges::copy(one, all.begin() + static_cast<std::ptrdiff_t>(cpu * map_.percpu_stride()));
      }
    }
    if (ok) store(key, all, entry.mark);
  }

  void store(const Bytes& key, const Bytes& value, const config::Mark& mark) {
    if (is_new(key, mark)) judge(map_.write(key.data(), value.data(), vm::UpdateMode::kAny), mark);
  }

  // The map that a value of a map of maps names; null after a mistake.
  std::shared_ptr<vm::Map> named_map(const Value& value) const {
    const bool named = value.kind == Value::Kind::kScalar;
    std::shared_ptr<vm::Map> found = named ? find_(value.scalar) : nullptr;
    if (found == nullptr) {
      context_.error(value.mark, "unknown-map",
                     fmt::format("{}: value: {}", what_,
                                 named ? fmt::format("there is no map '{}', or several", printable(value.scalar))
                                       : "the name of a map is expected"));
    }
    return found;
  }

  // A port's name, its ifindex, or the fields of struct bpf_devmap_val; it must be one of our ports.
  bool encode_port(const Value& value, Bytes& bytes) const {
    constexpr std::size_t kIfindex = 4;  // bytes; what follows in an 8-byte value is the program's, set by the wiring
    const ValueReader reader = context_.values();
    const std::string what = what_ + ": value";
    const bool ok = value.kind == Value::Kind::kScalar && bytes.size() >= kIfindex
                        ? reader.encode(value, {.size = kIfindex}, what, std::span(bytes).first(kIfindex))
                        : reader.encode(value, value_type_, what, bytes);
    if (!ok) return false;
    std::uint32_t ifindex = 0;
    std::memcpy(&ifindex, bytes.data(), kIfindex);
    for (const auto& port : context_.ports) {
      if (port.second == ifindex) return true;
    }
    context_.error(value.mark, "unknown-port", fmt::format("{}: no port has ifindex {}", what, ifindex));
    return false;
  }

  Bytes every_cpu(const Bytes& value) const {
    if (!map_.is_percpu()) return value;
    Bytes all(map_.transfer_size());
    for (unsigned cpu = 0; cpu < map_.cpus(); ++cpu) {
      std::ranges::copy(value, all.begin() + std::ptrdiff_t{cpu} * map_.percpu_stride());
    }
    return all;
  }

  // Whether the key may be written: what stands first counts, but for entries that replace the file's.
  bool is_new(const Bytes& key, const config::Mark& mark) {
    const auto [known, fresh] = keys_.try_emplace(key, mark);
    if (!fresh && !config_.file.value.empty() && known->second.file == config_.file.value) {
      known->second = mark;  // entries of the configuration win over the file's
    } else if (!fresh) {
      context_.error(mark, "map-entry",
                     fmt::format("{}: the same key stands on line {} already", what_, known->second.line));
      return false;
    }
    return true;
  }

  // The map's answer to an entry.
  void judge(int result, const config::Mark& mark) const {
    if (result == 0) return;
    const bool indexed = map_.spec().type == vm::MapType::kArray || map_.spec().type == vm::MapType::kPercpuArray ||
                         map_.spec().type == vm::MapType::kDevmap || map_.spec().type == vm::MapType::kArrayOfMaps ||
                         map_.spec().type == vm::MapType::kCpumap || map_.spec().type == vm::MapType::kXskmap;
    std::string why = fmt::format("the map refuses it: {}", std::strerror(-result));
    if (result == -E2BIG && indexed) {
      why = fmt::format("the index is out of range 0..{}", map_.spec().max_entries - 1);
    } else if (result == -E2BIG) {
      why = fmt::format("the map is full at max_entries {}", map_.spec().max_entries);
    } else if (result == -ENODEV) {
      why = fmt::format("there is no such CPU: workers are 0..{}", map_.cpus() - 1);
    } else if (result == -EOVERFLOW) {
      why = "a queue holds 16384 frames at most";
    } else if (result == -EINVAL && of_maps_ != nullptr) {
      why = "the map named there is not like those that may be inside: type, sizes and flags must be the same";
    }
    context_.error(mark, "map-entry", fmt::format("{}: {}", what_, why));
  }

  // --- the JSON file: [{"key": K, "value": V}, ...], as bpftool map dump -j writes it, or with plain values ---

  void file_error(const std::string& message) const {
    context_.error(config_.file.mark, "map-file", fmt::format("{}: {}: {}", what_, config_.file.value, message));
  }

  void fill_file() {
    const auto bytes = vm::read_whole_file(config_.file.value);
    if (!bytes) return file_error(bytes.error().message);
    json root;
    try {
      const auto* const text = reinterpret_cast<const char*>(bytes->data());
      root = json::parse(text, text + bytes->size());
    } catch (const json::exception& thrown) {
      return file_error(printable(thrown.what()));
    }
    if (!root.is_array()) return file_error("expected a list of {\"key\": ..., \"value\": ...}");
    for (std::size_t i = 0; i < root.size(); ++i) {
      const unsigned before = context_.report.diagnostics.errors();
      add_json(root[i], i);
      if (context_.report.diagnostics.errors() != before) return;  // one mistake of a generated file says it all
    }
  }

  config::Mark file_mark(std::size_t entry) const {
    // No line is known inside; the number of the entry is told in its place.
    return {.file = config_.file.value, .line = static_cast<unsigned>(entry + 1), .column = 0, .width = 1};
  }

  void add_json(const json& entry, std::size_t number) {
    const bool has_value = entry.is_object() && (entry.contains("value") || entry.contains("values"));
    if (!has_value || !entry.contains("key")) {
      return file_error(fmt::format("entry {}: expected \"key\" and \"value\"", number + 1));
    }
    const auto key = to_value(entry["key"], file_mark(number), 0);
    if (!key) return file_error(fmt::format("entry {}: nested too deep", number + 1));
    if (!entry.contains("value")) return add_percpu(*key, entry["values"], number);
    const auto value = to_value(entry["value"], file_mark(number), 0);
    if (!value) return file_error(fmt::format("entry {}: nested too deep", number + 1));
    add(*key, *value, file_mark(number));
  }

  // "values": [{"cpu": 0, "value": V}, ...]
  void add_percpu(const Value& key, const json& values, std::size_t number) {
    const ValueReader reader = context_.values();
    Bytes key_bytes(key_type_.size);
    Bytes all(map_.transfer_size());
    if (!map_.is_percpu() || !values.is_array()) {
      return file_error(fmt::format("entry {}: \"values\" belongs to per-CPU maps, as a list", number + 1));
    }
    if (!reader.encode(key, key_type_, what_ + ": key", key_bytes)) return;
    for (const json& slot : values) {
      const bool whole =
          slot.is_object() && slot.contains("value") && slot.contains("cpu") && slot["cpu"].is_number_unsigned();
      const auto value = whole ? to_value(slot["value"], file_mark(number), 0) : std::nullopt;
      if (!value) return file_error(fmt::format("entry {}: expected {{\"cpu\": N, \"value\": ...}}", number + 1));
      const auto cpu = slot["cpu"].get<std::uint64_t>();
      if (cpu >= map_.cpus()) continue;  // dumped on a larger machine
      Bytes one(value_type_.size);
      if (!reader.encode(*value, value_type_, what_ + ": value", one)) return;
      std::ranges::copy(one, all.begin() + static_cast<std::ptrdiff_t>(cpu * map_.percpu_stride()));
    }
    store(key_bytes, all, file_mark(number));
  }

  // bpftool's ["0x0a","0x00"] becomes {hex: "0a00"}.
  static std::optional<Value> raw_bytes(const json& list, const config::Mark& mark) {
    std::string hex;
    for (const json& item : list) {
      if (!item.is_string()) return std::nullopt;
      const auto& text = item.get_ref<const std::string&>();
      if (text.size() != 4 || !text.starts_with("0x") || !parse_hex(text.substr(2))) return std::nullopt;
      hex += text.substr(2);
    }
    if (hex.empty()) return std::nullopt;
    Value name{.kind = Value::Kind::kScalar, .scalar = "hex", .mark = mark};
    Value digits{.kind = Value::Kind::kScalar, .scalar = hex, .quoted = true, .mark = mark};
    Value raw{.kind = Value::Kind::kMapping, .mark = mark};
    raw.fields.emplace_back(std::move(name), std::move(digits));
    return raw;
  }

  static std::optional<Value> to_value(const json& from, const config::Mark& mark, unsigned depth) {
    Value value{.mark = mark};
    if (depth > kDeepestJson) return std::nullopt;
    if (from.is_array()) {
      if (auto raw = raw_bytes(from, mark)) return raw;
      value.kind = Value::Kind::kSequence;
      for (const json& item : from) {
        auto inner = to_value(item, mark, depth + 1);
        if (!inner) return std::nullopt;
        value.items.push_back(std::move(*inner));
      }
    } else if (from.is_object()) {
      value.kind = Value::Kind::kMapping;
      for (const auto& [name, item] : from.items()) {
        auto inner = to_value(item, mark, depth + 1);
        if (!inner) return std::nullopt;
        Value key{.kind = Value::Kind::kScalar, .scalar = name, .quoted = true, .mark = mark};
        value.fields.emplace_back(std::move(key), std::move(*inner));
      }
    } else if (!from.is_null()) {
      value.kind = Value::Kind::kScalar;
      value.quoted = from.is_string();
      value.scalar = from.is_string() ? from.get<std::string>() : from.dump();
    }
    return value;
  }

  const LoadContext& context_;
  const config::Map& config_;
  vm::Map& map_;
  vm::MapOfMaps* of_maps_;  // null = values are bytes
  const MapFinder& find_;
  std::string what_;
  ValueType key_type_, value_type_;
  std::map<Bytes, config::Mark, BytesLess> keys_;
};

}  // namespace

bool check_reader(const LoadContext& context, const config::Map& config, const vm::Map& map) {
  if (!config.reader || is_ring(map)) return true;
  context.error(config.name.mark, "map-reader",
                fmt::format("map {} is of type {}: only perf_event_array and ringbuf have readers", config.name.value,
                            vm::map_type_name(map.spec().type)));
  return false;
}

void fill_map(const LoadContext& context, const config::Map& config, vm::Map& map, const vm::Btf* btf,
              const MapFinder& find) {
  MapFiller(context, config, map, btf, find).fill();
}

}  // namespace sluice::pipeline
