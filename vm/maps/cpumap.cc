#include "vm/maps/cpumap.h"

#include <cerrno>
#include <cstring>

#include "vm/maps/array.h"
#include "vm/maps/devmap.h"

namespace sluice::vm {
namespace {

constexpr std::uint32_t kMostWaiting = 16384;  // frames in a queue, kernel/bpf/cpumap.c

}  // namespace

Cpumap::Cpumap(const MapSpec& spec, unsigned cpus, MapMemory memory) : Map(spec, cpus), memory_(std::move(memory)) {
  view_.slots = reinterpret_cast<DevmapSlot*>(memory_.take(std::uint64_t{sizeof(DevmapSlot)} * spec.max_entries));
  view_.max_entries = spec.max_entries;
}

Result<std::unique_ptr<Map>> Cpumap::make(const MapSpec& spec, unsigned cpus) {
  Result<MapMemory> memory =
      MapMemory::reserve(MapMemory::padded(std::uint64_t{sizeof(DevmapSlot)} * spec.max_entries));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new Cpumap(spec, cpus, std::move(*memory)));
}

bool Cpumap::resolve(std::uint32_t cpu, const ProgramSlot*& program) const noexcept {
  const void* found = nullptr;
  if (devmap_view_resolve(&view_, cpu, &found) == 0) return false;
  program = static_cast<const ProgramSlot*>(found);
  return true;
}

int Cpumap::attach(std::uint32_t cpu, const ProgramSlot* program) {
  const void* before = nullptr;
  const std::uint32_t waiting = devmap_view_resolve(&view_, cpu, &before);
  if (waiting == 0) return -ENOENT;
  devmap_slot_store(view_.slots[cpu], waiting, program);
  return 0;
}

std::byte* Cpumap::lookup(const std::byte* key, unsigned /*cpu*/) noexcept {
  return reinterpret_cast<std::byte*>(devmap_view_lookup(&view_, index_of(key)));
}

int Cpumap::update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned /*cpu*/) noexcept {
  std::uint32_t waiting = 0;
  std::int32_t descriptor = 0;
  std::memcpy(&waiting, value, sizeof waiting);
  if (spec().value_size == 8) std::memcpy(&descriptor, value + 4, sizeof descriptor);
  if (frozen()) return -EPERM;
  if (mode > UpdateMode::kExist) return -EINVAL;
  if (index_of(key) >= view_.max_entries) return -E2BIG;
  if (mode == UpdateMode::kNoExist) return -EEXIST;
  if (waiting > kMostWaiting) return -EOVERFLOW;
  if (index_of(key) >= cpus()) return -ENODEV;
  // Bytes cannot name a program: `attach` is the way. The kernel says the same of what is no program's descriptor.
  if (waiting != 0 && descriptor > 0) return -ENOMEM;
  devmap_slot_store(view_.slots[index_of(key)], waiting, nullptr);
  return 0;
}

int Cpumap::erase(const std::byte* key) noexcept {
  if (frozen()) return -EPERM;
  if (index_of(key) >= view_.max_entries) return -EINVAL;
  devmap_slot_store(view_.slots[index_of(key)], 0, nullptr);
  return 0;
}

bool Cpumap::next_key(const std::byte* key, std::byte* next) const { return next_index(view_.max_entries, key, next); }

}  // namespace sluice::vm
