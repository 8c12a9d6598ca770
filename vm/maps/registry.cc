#include "vm/maps/registry.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

#include <fmt/format.h>

#include "vm/maps/array.h"
#include "vm/maps/bloom_filter.h"
#include "vm/maps/cpumap.h"
#include "vm/maps/devmap.h"
#include "vm/maps/devmap_hash.h"
#include "vm/maps/hash.h"
#include "vm/maps/lpm_trie.h"
#include "vm/maps/map_of_maps.h"
#include "vm/maps/perf_event_array.h"
#include "vm/maps/prog_array.h"
#include "vm/maps/queue.h"
#include "vm/maps/ringbuf.h"
#include "vm/maps/xskmap.h"

namespace sluice::vm {
namespace {

constexpr std::uint32_t kAccess = kMapReadOnly | kMapWriteOnly | kMapReadOnlyProg | kMapWriteOnlyProg;
constexpr std::uint32_t kPageBytes = 4096;
constexpr std::uint32_t kPercpuValueMax = 32768;               // PCPU_MIN_UNIT_SIZE, linux/percpu.h
constexpr std::uint32_t kLpmValueMax = (4U << 20) - 260 - 40;  // likewise for a key of 260
constexpr std::uint32_t kElementMax =
    (4U << 20) - 48 - 1;  // KMALLOC_MAX_SIZE less the kernel's own header of an element

constexpr MapRules kQueueRules = {.key_min = 0,
                                  .key_max = 0,
                                  .value_max = 4U << 20,  // KMALLOC_MAX_SIZE
                                  .allowed_flags = kMapNumaNode | kAccess,
                                  .too_large = E2BIG};

constexpr MapTypeRow kTypes[] = {
    {.type = MapType::kHash,
     .rules = {.key_min = 1,
               .key_max = kElementMax,
               .value_max = kElementMax,
               .element_max = kElementMax,
               .max_entries = 1U << 31,
               .allowed_flags = kMapNoPrealloc | kMapNumaNode | kAccess | kMapZeroSeed,
               .too_large = E2BIG},
     .make = HashMap::make},
    {.type = MapType::kArray,
     .rules = {.allowed_flags = kMapNumaNode | kMapMmapable | kMapInner | kAccess, .too_large = E2BIG},
     .make = ArrayMap::make},
    {.type = MapType::kProgArray,
     .rules = {.value_min = 4,
               .value_max = 4,
               .allowed_flags = kMapNumaNode | kMapReadOnly | kMapWriteOnly,
               .may_be_inner = false},
     .make = ProgArrayMap::make},
    {.type = MapType::kPerfEventArray,
     .rules = {.value_min = 4,
               .value_max = 4,
               .allowed_flags = kMapNumaNode | kMapReadOnly | kMapWriteOnly | kMapPreserveElems},
     .make = PerfEventArray::make},
    {.type = MapType::kPercpuHash,
     .rules = {.key_min = 1,
               .key_max = kElementMax,
               .value_max = kPercpuValueMax,
               .element_max = kElementMax,
               .max_entries = 1U << 31,
               .allowed_flags = kMapNoPrealloc | kAccess | kMapZeroSeed,
               .too_large = E2BIG},
     .make = HashMap::make},
    {.type = MapType::kPercpuArray,
     .rules = {.value_max = kPercpuValueMax, .allowed_flags = kAccess, .too_large = E2BIG},
     .make = PercpuArrayMap::make},
    {.type = MapType::kLruHash,
     .rules = {.key_min = 1,
               .key_max = kElementMax,
               .value_max = kElementMax,
               .element_max = kElementMax,
               .max_entries = 1U << 31,
               .allowed_flags = kMapNoPrealloc | kMapNoCommonLru | kMapNumaNode | kAccess | kMapZeroSeed,
               .later_flags = kMapNoPrealloc,
               .apart_flags = kMapNoCommonLru | kMapNumaNode,
               .too_large = E2BIG},
     .make = HashMap::make},
    {.type = MapType::kLruPercpuHash,
     .rules = {.key_min = 1,
               .key_max = kElementMax,
               .value_max = kPercpuValueMax,
               .element_max = kElementMax,
               .max_entries = 1U << 31,
               .allowed_flags = kMapNoPrealloc | kMapNoCommonLru | kMapNumaNode | kAccess | kMapZeroSeed,
               .later_flags = kMapNoPrealloc,
               .denied_flags = kMapNumaNode,
               .too_large = E2BIG},
     .make = HashMap::make},
    {.type = MapType::kLpmTrie,
     .rules = {.key_min = 5,
               .key_max = 260,
               .value_max = kLpmValueMax,
               .allowed_flags = kMapNoPrealloc | kMapNumaNode | kAccess,
               .required_flags = kMapNoPrealloc},
     .make = LpmTrieMap::make},
    {.type = MapType::kArrayOfMaps,
     .rules = {.value_min = 4,
               .value_max = 4,
               .allowed_flags = kMapNumaNode | kMapReadOnly | kMapWriteOnly,
               .of_maps = true,
               .may_be_inner = false},
     .make = ArrayOfMaps::make},
    {.type = MapType::kHashOfMaps,
     .rules = {.key_min = 1,
               .key_max = kElementMax,
               .value_min = 4,
               .value_max = 4,
               .element_max = kElementMax,
               .max_entries = 1U << 31,
               .allowed_flags = kMapNoPrealloc | kMapNumaNode | kAccess | kMapZeroSeed,
               .of_maps = true,
               .may_be_inner = false,
               .too_large = E2BIG},
     .make = HashOfMaps::make},
    {.type = MapType::kDevmap,
     .rules = {.value_min = 4,
               .value_max = 8,
               .value_unit = 4,
               .allowed_flags = kMapNumaNode | kMapReadOnly | kMapWriteOnly},
     .make = DevmapArray::make},
    {.type = MapType::kCpumap,
     .rules = {.value_min = 4,
               .value_max = 8,
               .value_unit = 4,
               .max_entries = 8192,  // NR_CPUS of the largest kernels
               .allowed_flags = kMapNumaNode,
               .sizes_first = true},
     .make = Cpumap::make},
    {.type = MapType::kXskmap,
     .rules = {.value_min = 4, .value_max = 4, .allowed_flags = kMapNumaNode | kMapReadOnly | kMapWriteOnly},
     .make = Xskmap::make},
    {.type = MapType::kQueue, .rules = kQueueRules, .make = QueueMap::make},
    {.type = MapType::kStack, .rules = kQueueRules, .make = QueueMap::make},
    {.type = MapType::kDevmapHash,
     .rules = {.value_min = 4,
               .value_max = 8,
               .value_unit = 4,
               .max_entries = 1U << 31,
               .allowed_flags = kMapNumaNode | kMapReadOnly | kMapWriteOnly},
     .make = DevmapHash::make},
    {.type = MapType::kRingbuf,
     .rules =
         {.key_min = 0, .key_max = 0, .value_min = 0, .value_max = 0, .allowed_flags = kMapNumaNode, .pages = true},
     .make = Ringbuf::make},
    {.type = MapType::kBloomFilter,
     .rules = {.key_min = 0,
               .key_max = 0,
               .value_max = 4U << 20,  // KMALLOC_MAX_SIZE
               .extra_max = 15,
               .allowed_flags = kMapNumaNode | kAccess | kMapZeroSeed,
               .too_large = E2BIG},
     .make = BloomFilter::make},
};
static_assert(std::ranges::adjacent_find(kTypes, std::ranges::greater_equal{}, &MapTypeRow::type) == std::end(kTypes));

// By number of enum bpf_map_type, as bpftool writes them.
constexpr std::array<std::string_view, 34> kNames = {"unspec",
                                                     "hash",
                                                     "array",
                                                     "prog_array",
                                                     "perf_event_array",
                                                     "percpu_hash",
                                                     "percpu_array",
                                                     "stack_trace",
                                                     "cgroup_array",
                                                     "lru_hash",
                                                     "lru_percpu_hash",
                                                     "lpm_trie",
                                                     "array_of_maps",
                                                     "hash_of_maps",
                                                     "devmap",
                                                     "sockmap",
                                                     "cpumap",
                                                     "xskmap",
                                                     "sockhash",
                                                     "cgroup_storage",
                                                     "reuseport_sockarray",
                                                     "percpu_cgroup_storage",
                                                     "queue",
                                                     "stack",
                                                     "sk_storage",
                                                     "devmap_hash",
                                                     "struct_ops",
                                                     "ringbuf",
                                                     "inode_storage",
                                                     "task_storage",
                                                     "bloom_filter",
                                                     "user_ringbuf",
                                                     "cgrp_storage",
                                                     "arena"};

constexpr int kNotSupported = 524;  // ENOTSUPP, include/linux/errno.h: the kernel's own, in no header for programs

int refuse(int error, std::string& why, std::string text) {
  why = std::move(text);
  return error;
}

int check_size(std::string_view what, std::uint32_t size, std::uint32_t least, std::uint32_t most, int too_large,
               std::string& why) {
  if (size >= least && size <= most) return 0;
  const std::string range = least == most ? fmt::format("{}", least) : fmt::format("{}..{}", least, most);
  return refuse(size > most && too_large != 0 ? -too_large : -EINVAL, why,
                fmt::format("{} is {} bytes, expected {}", what, size, range));
}

int check_flags(const MapRules& rules, std::uint32_t flags, std::string& why) {
  if (const std::uint32_t unknown = flags & ~rules.allowed_flags) {
    return refuse(-EINVAL, why, fmt::format("flags {:#x} are not allowed for this type", unknown));
  }
  if (const std::uint32_t missing = rules.required_flags & ~flags) {
    return refuse(-EINVAL, why, fmt::format("flags {:#x} are required for this type", missing));
  }
  if (const std::uint32_t later = flags & rules.later_flags) {
    return refuse(-kNotSupported, why, fmt::format("flags {:#x} are not supported for this type", later));
  }
  if (const std::uint32_t denied = flags & rules.denied_flags) {
    return refuse(-EINVAL, why, fmt::format("flags {:#x} are not allowed for this type", denied));
  }
  if (std::popcount(flags & rules.apart_flags) > 1) {
    return refuse(-EINVAL, why, fmt::format("flags {:#x} exclude each other", flags & rules.apart_flags));
  }
  const auto both = [&](std::uint32_t pair) { return (flags & pair) == pair; };
  if (both(kMapReadOnlyProg | kMapWriteOnlyProg) || both(kMapReadOnly | kMapWriteOnly)) {
    return refuse(-EINVAL, why, "flags are read-only and write-only at once");
  }
  return 0;
}

int check_inner(const MapSpec& spec, std::string& why) {
  if (spec.inner == nullptr)
    return refuse(-EBADF, why,
                  "nothing says what its inner maps are like; `inner:` of the map in the configuration can");
  const MapSpec& inner = *spec.inner;
  const MapTypeRow* const row = map_type_row(inner.type);
  if (row == nullptr || !row->rules.may_be_inner) {
    return refuse(row != nullptr && row->rules.of_maps ? -EINVAL : -kNotSupported, why,
                  fmt::format("a map of type {} cannot be inside", map_type_name(inner.type)));
  }
  const int error = check_map(*row, inner, why);
  if (error != 0) why = "inner map: " + why;
  return error;
}

}  // namespace

std::span<const MapTypeRow> map_types() noexcept { return kTypes; }

const MapTypeRow* map_type_row(MapType type) noexcept {
  const auto* const row = std::ranges::find(kTypes, type, &MapTypeRow::type);
  return row == std::end(kTypes) ? nullptr : row;
}

int check_map(const MapTypeRow& row, const MapSpec& spec, std::string& why) {
  const MapRules& rules = row.rules;
  if (const int error = check_flags(rules, spec.flags, why)) return error;
  if (spec.max_entries == 0) return refuse(-EINVAL, why, "max_entries is 0, expected 1 or more");
  const bool too_many = rules.max_entries != 0 && spec.max_entries > rules.max_entries;
  const auto refuse_number = [&] {
    return refuse(-E2BIG, why,
                  fmt::format("max_entries is {}, expected at most {}", spec.max_entries, rules.max_entries));
  };
  if (too_many && !rules.sizes_first) return refuse_number();
  if (spec.extra > rules.extra_max) {
    return refuse(-EINVAL, why, fmt::format("map_extra is {}, expected at most {}", spec.extra, rules.extra_max));
  }
  if (rules.pages && (!std::has_single_bit(spec.max_entries) || spec.max_entries % kPageBytes != 0)) {
    return refuse(
        -EINVAL, why,
        fmt::format("max_entries is {}, expected a power of two of at least {}", spec.max_entries, kPageBytes));
  }
  const int key_too_large = rules.element_max != 0 ? rules.too_large : 0;
  const int value_too_large = rules.of_maps ? 0 : rules.too_large;
  if (const int error = check_size("key", spec.key_size, rules.key_min, rules.key_max, key_too_large, why)) {
    return error;
  }
  if (const int error = check_size("value", spec.value_size, rules.value_min, rules.value_max, value_too_large, why)) {
    return error;
  }
  if (spec.value_size % rules.value_unit != 0) {
    return refuse(-EINVAL, why,
                  fmt::format("value is {} bytes, expected a multiple of {}", spec.value_size, rules.value_unit));
  }
  if (too_many) return refuse_number();
  const std::uint64_t element = std::uint64_t{spec.key_size} + spec.value_size;
  if (rules.element_max != 0 && element > rules.element_max) {
    return refuse(-rules.too_large, why,
                  fmt::format("key and value are {} bytes, expected at most {}", element, rules.element_max));
  }
  if (!spec.special.fit(spec.value_size)) return refuse(-EINVAL, why, "the lock or timer lies outside the value");
  if (rules.of_maps) return check_inner(spec, why);
  return 0;
}

Result<std::unique_ptr<Map>> make_map(const MapSpec& spec, unsigned cpus) {
  const std::string_view name = map_type_name(spec.type);
  const std::string doing = fmt::format("map '{}'", spec.name);
  if (cpus == 0) return Error{ErrorCode::kInternal, doing + ": expected at least one CPU"};
  const MapTypeRow* const row = map_type_row(spec.type);
  if (row == nullptr) {
    return Error{ErrorCode::kProgram,
                 name.empty() ? fmt::format("{}: unknown map type {}", doing, static_cast<std::uint32_t>(spec.type))
                              : fmt::format("{}: map type {} is not supported", doing, name)};
  }
  std::string why;
  if (check_map(*row, spec, why) != 0) return Error{ErrorCode::kProgram, fmt::format("{} ({}): {}", doing, name, why)};
  Result<std::unique_ptr<Map>> map = row->make(spec, cpus);
  if (!map) return std::move(map).error().in(doing);
  return map;
}

std::string_view map_type_name(MapType type) noexcept {
  const auto number = static_cast<std::uint32_t>(type);
  return number == 0 || number >= kNames.size() ? std::string_view{} : kNames[number];
}

}  // namespace sluice::vm
