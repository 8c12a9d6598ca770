#pragma once
// **The** table of map types: names, what the kernel demands of their sizes and flags, and how they are made. To add a
// type: one row in registry.cc. Constant: any thread.
#include <cstdint>
#include <span>
#include <string_view>

#include "vm/maps/map.h"

namespace sluice::vm {

// What BPF_MAP_CREATE demands of a type (kernel/bpf/*map.c of 6.18, compared by tests). Sizes in bytes, limits
// included.
struct MapRules {
  std::uint32_t key_min = 4, key_max = 4;
  std::uint32_t value_min = 1, value_max = 0x7fffffff;
  std::uint32_t value_unit = 1;      // value_size is a multiple of it
  std::uint32_t element_max = 0;     // key and value together; 0 = no limit
  std::uint32_t max_entries = 0;     // the most; 0 = any 32-bit number
  std::uint32_t extra_max = 0;       // of MapSpec::extra
  std::uint32_t allowed_flags = 0;   // kMap*
  std::uint32_t required_flags = 0;  // kMap*
  std::uint32_t later_flags = 0;     // kMap*: known, and refused with ENOTSUPP
  std::uint32_t denied_flags = 0;    // kMap*: known, and refused with EINVAL after those
  std::uint32_t apart_flags = 0;     // kMap*: not more than one of them
  bool pages = false;                // max_entries is a power of two and whole pages
  bool sizes_first = false;          // sizes are judged before max_entries
  bool of_maps = false;              // MapSpec::inner must be such that it may be inside
  bool may_be_inner = true;
  int too_large = 0;  // errno for a value or element over its limit; 0 = EINVAL like all else
};

struct MapTypeRow {
  MapType type = MapType::kArray;
  MapRules rules;
  Result<std::unique_ptr<Map>> (*make)(const MapSpec& spec, unsigned cpus) = nullptr;
};

// The types that can be made, ascending.
std::span<const MapTypeRow> map_types() noexcept;
// The row, or null when maps of that type cannot be made.
const MapTypeRow* map_type_row(MapType type) noexcept;

// 0, or the -errno with which the kernel refuses such a map, and why. `why` is set only on refusal.
int check_map(const MapTypeRow& row, const MapSpec& spec, std::string& why);

}  // namespace sluice::vm
