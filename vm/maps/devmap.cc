#include "vm/maps/devmap.h"

#include <cerrno>
#include <cstring>

#include "vm/maps/array.h"

namespace sluice::vm {

int devmap_value(const MapSpec& spec, const std::byte* value, std::uint32_t& ifindex) noexcept {
  std::int32_t descriptor = 0;
  std::memcpy(&ifindex, value, sizeof ifindex);
  if (spec.value_size == 8) std::memcpy(&descriptor, value + 4, sizeof descriptor);
  return descriptor > 0 ? -EINVAL : 0;
}

MapSpec devmap_spec(MapSpec spec) {
  spec.flags |= kMapReadOnlyProg;
  return spec;
}

DevmapArray::DevmapArray(const MapSpec& spec, unsigned cpus, MapMemory memory)
    : Devmap(devmap_spec(spec), cpus), memory_(std::move(memory)) {
  view_.slots = reinterpret_cast<DevmapSlot*>(memory_.take(std::uint64_t{sizeof(DevmapSlot)} * spec.max_entries));
  view_.max_entries = spec.max_entries;
}

Result<std::unique_ptr<Map>> DevmapArray::make(const MapSpec& spec, unsigned cpus) {
  Result<MapMemory> memory =
      MapMemory::reserve(MapMemory::padded(std::uint64_t{sizeof(DevmapSlot)} * spec.max_entries));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new DevmapArray(spec, cpus, std::move(*memory)));
}

void devmap_slot_store(DevmapSlot& slot, std::uint32_t first, const ProgramSlot* program) noexcept {
  const std::uint32_t before = __atomic_load_n(&slot.sequence, __ATOMIC_RELAXED);
  __atomic_store_n(&slot.sequence, before + 1, __ATOMIC_RELAXED);
  // Release stores: who sees one of them sees the odd number too.
  __atomic_store_n(&slot.value, devmap_word(first, program), __ATOMIC_RELEASE);
  __atomic_store_n(&slot.program, static_cast<const void*>(program), __ATOMIC_RELEASE);
  __atomic_store_n(&slot.sequence, before + 2, __ATOMIC_RELEASE);
}

bool DevmapArray::resolve(std::uint32_t key, DevmapEntry& out) const noexcept {
  const void* program = nullptr;
  out.ifindex = devmap_view_resolve(&view_, key, &program);
  out.program = static_cast<const ProgramSlot*>(program);
  return out.ifindex != 0;
}

int DevmapArray::attach(std::uint32_t key, const ProgramSlot* program) {
  DevmapEntry entry;
  if (!resolve(key, entry)) return -ENOENT;
  devmap_slot_store(view_.slots[key], entry.ifindex, program);
  return 0;
}

void DevmapArray::for_each(Visit each, void* state) const noexcept {
  DevmapEntry entry;
  for (std::uint32_t key = 0; key < view_.max_entries; ++key) {
    if (resolve(key, entry)) each(state, key, entry);
  }
}

std::byte* DevmapArray::lookup(const std::byte* key, unsigned /*cpu*/) noexcept {
  return reinterpret_cast<std::byte*>(devmap_view_lookup(&view_, index_of(key)));
}

int DevmapArray::update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned /*cpu*/) noexcept {
  if (frozen()) return -EPERM;
  if (mode > UpdateMode::kExist) return -EINVAL;
  if (index_of(key) >= view_.max_entries) return -E2BIG;
  if (mode == UpdateMode::kNoExist) return -EEXIST;
  std::uint32_t ifindex = 0;
  if (const int error = devmap_value(spec(), value, ifindex)) return error;
  devmap_slot_store(view_.slots[index_of(key)], ifindex, nullptr);  // ifindex 0 empties the slot
  return 0;
}

int DevmapArray::erase(const std::byte* key) noexcept {
  if (frozen()) return -EPERM;
  if (index_of(key) >= view_.max_entries) return -EINVAL;
  devmap_slot_store(view_.slots[index_of(key)], 0, nullptr);
  return 0;
}

bool DevmapArray::next_key(const std::byte* key, std::byte* next) const {
  return next_index(view_.max_entries, key, next);
}

}  // namespace sluice::vm
