#pragma once
// What the tests of single map types share: a map of a spec, and updates and look-ups with values instead of bytes.
#include <memory>
#include <string>

#include "tests/unit/vm/maps/cases.h"

namespace sluice::vm::testing {

inline MapSpec spec_of(MapType type, std::uint32_t key, std::uint32_t value, std::uint32_t most,
                       std::uint32_t flags = 0) {
  MapSpec spec;
  spec.name = "m";
  spec.type = type;
  spec.key_size = key;
  spec.value_size = value;
  spec.max_entries = most;
  spec.flags = flags;
  return spec;
}
inline std::unique_ptr<Map> make(const MapSpec& spec, unsigned cpus = 2) { return std::move(*make_map(spec, cpus)); }
inline std::string refusal(const MapSpec& spec, unsigned cpus = 1) {
  const Result<std::unique_ptr<Map>> map = make_map(spec, cpus);
  return map ? "" : map.error().message;
}
inline const std::byte* at(const void* pointer) { return static_cast<const std::byte*>(pointer); }
inline const std::uint8_t* raw(const void* pointer) { return static_cast<const std::uint8_t*>(pointer); }

template <typename K, typename V>
int update(Map& map, K key, V value, UpdateMode mode = UpdateMode::kAny, unsigned cpu = 0) {
  return map.update(at(&key), at(&value), mode, cpu);
}
template <typename K>
std::uint64_t* lookup(Map& map, K key, unsigned cpu = 0) {
  return reinterpret_cast<std::uint64_t*>(map.lookup(at(&key), cpu));
}

}  // namespace sluice::vm::testing
