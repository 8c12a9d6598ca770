#include "dataplane/cli/map_dump.h"

#include <map>

#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned>(byte) & 15];
  }
  return text;
}

Json value_of(const vm::Map& map, std::span<const std::byte> value) {
  if (!map.is_percpu()) return hex(value);
  Json all = Json::array();
  for (unsigned cpu = 0; cpu < map.cpus(); ++cpu) {
    all.push_back(hex(value.subspan(std::size_t{cpu} * map.percpu_stride(), map.spec().value_size)));
  }
  return all;
}

Json entries_of(vm::Map& map) {
  std::map<std::string, Json> entries;  // ascending by hex is ascending by bytes
  std::vector<std::byte> key(map.spec().key_size);
  std::vector<std::byte> next(map.spec().key_size);
  std::vector<std::byte> value(map.transfer_size());
  for (bool more = map.next_key(nullptr, key.data()); more;) {
    if (map.read(key.data(), value.data()) == 0) entries[hex(key)] = value_of(map, value);
    more = map.next_key(key.data(), next.data());
    key.swap(next);
  }
  Json rows = Json::array();
  for (const auto& [text, json] : entries) rows.push_back({{"key", text}, {"value", json}});
  return rows;
}

}  // namespace

std::string dump_maps(const OpenObject& object) {
  Json all = Json::object();
  for (const auto& map : object.maps) {
    if (map != nullptr) all[map->spec().name] = entries_of(*map);
  }
  return all.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::cli
