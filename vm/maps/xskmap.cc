#include "vm/maps/xskmap.h"

#include <cerrno>
#include <cstring>

#include "vm/maps/array.h"

namespace sluice::vm {

Xskmap::Xskmap(const MapSpec& spec, unsigned cpus, MapMemory memory) : Map(spec, cpus), memory_(std::move(memory)) {
  slots_ = reinterpret_cast<Slot*>(memory_.take(std::uint64_t{sizeof(Slot)} * spec.max_entries));
}

Result<std::unique_ptr<Map>> Xskmap::make(const MapSpec& spec, unsigned cpus) {
  Result<MapMemory> memory = MapMemory::reserve(MapMemory::padded(std::uint64_t{sizeof(Slot)} * spec.max_entries));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new Xskmap(spec, cpus, std::move(*memory)));
}

std::uint32_t Xskmap::resolve(std::uint32_t key) const noexcept {
  return key < spec().max_entries ? __atomic_load_n(&slots_[key].ifindex, __ATOMIC_ACQUIRE) : 0;
}

std::byte* Xskmap::lookup(const std::byte* key, unsigned /*cpu*/) noexcept {
  const std::uint32_t index = index_of(key);
  return resolve(index) == 0 ? nullptr : reinterpret_cast<std::byte*>(&slots_[index].queue_id);
}

int Xskmap::update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned /*cpu*/) noexcept {
  const std::uint32_t index = index_of(key);
  std::uint32_t ifindex = 0;
  std::memcpy(&ifindex, value, sizeof ifindex);
  if (frozen()) return -EPERM;
  if (mode > UpdateMode::kExist) return -EINVAL;
  if (index >= spec().max_entries) return -E2BIG;
  if (ifindex == 0) return -EBADF;
  const std::uint32_t before = resolve(index);
  if (before == ifindex) return 0;  // as the kernel does, whatever the mode
  if (before != 0 && mode == UpdateMode::kNoExist) return -EEXIST;
  if (before == 0 && mode == UpdateMode::kExist) return -ENOENT;
  __atomic_store_n(&slots_[index].queue_id, index, __ATOMIC_RELAXED);
  // Pairs with the acquire load of `resolve`: who sees the slot in use sees its queue.
  __atomic_store_n(&slots_[index].ifindex, ifindex, __ATOMIC_RELEASE);
  return 0;
}

int Xskmap::erase(const std::byte* key) noexcept {
  if (frozen()) return -EPERM;
  if (index_of(key) >= spec().max_entries) return -EINVAL;
  __atomic_store_n(&slots_[index_of(key)].ifindex, 0, __ATOMIC_RELEASE);
  return 0;
}

bool Xskmap::next_key(const std::byte* key, std::byte* next) const { return next_index(spec().max_entries, key, next); }

int Xskmap::read(const std::byte* /*key*/, std::byte* /*out*/) { return -EOPNOTSUPP; }

}  // namespace sluice::vm
