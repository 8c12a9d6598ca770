#include "vm/maps/map_of_maps.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "vm/maps/array.h"
#include "vm/maps/hash.h"

namespace sluice::vm {

bool may_stand_for(const MapSpec& like, const MapSpec& inner) noexcept {
  const bool same = like.type == inner.type && like.key_size == inner.key_size && like.value_size == inner.value_size &&
                    like.flags == inner.flags && like.special == inner.special;
  const bool fixed_size =
      (like.type == MapType::kArray && (like.flags & kMapInner) == 0) || like.type == MapType::kXskmap;
  return same && (!fixed_size || like.max_entries == inner.max_entries);
}

int MapOfMaps::check_inner(const Map* inner) const noexcept {
  if (inner == nullptr) return -EBADF;
  return may_stand_for(like_->spec(), inner->spec()) ? 0 : -EINVAL;
}

void MapOfMaps::hold(std::shared_ptr<Map> inner) {
  if (std::ranges::find(held_, inner) == held_.end()) held_.push_back(std::move(inner));
}

int MapOfMaps::update(const std::byte* /*key*/, const std::byte* /*value*/, UpdateMode /*mode*/,
                      unsigned /*cpu*/) noexcept {
  return frozen() ? -EPERM : -EBADF;
}

int MapOfMaps::read(const std::byte* key, std::byte* out) {
  const auto* const inner = reinterpret_cast<const Map*>(lookup(key, 0));
  if (inner == nullptr) return -ENOENT;
  const std::uint32_t id = inner->id();
  std::memcpy(out, &id, sizeof id);
  return 0;
}

ArrayOfMaps::ArrayOfMaps(const MapSpec& spec, unsigned cpus, std::unique_ptr<Map> like, MapMemory memory)
    : MapOfMaps(spec, cpus, std::move(like)), memory_(std::move(memory)) {
  view_.slots = reinterpret_cast<void**>(memory_.take(std::uint64_t{sizeof(void*)} * spec.max_entries));
  view_.max_entries = spec.max_entries;
}

Result<std::unique_ptr<Map>> ArrayOfMaps::make(const MapSpec& spec, unsigned cpus) {
  Result<std::unique_ptr<Map>> like = make_map(*spec.inner, cpus);
  if (!like) return std::move(like).error();
  Result<MapMemory> memory = MapMemory::reserve(MapMemory::padded(std::uint64_t{sizeof(void*)} * spec.max_entries));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new ArrayOfMaps(spec, cpus, std::move(*like), std::move(*memory)));
}

int ArrayOfMaps::set(const std::byte* key, std::shared_ptr<Map> inner, UpdateMode mode) {
  const std::uint32_t index = index_of(key);
  if (frozen()) return -EPERM;
  if (mode != UpdateMode::kAny) return -EINVAL;
  if (index >= view_.max_entries) return -E2BIG;
  if (const int error = check_inner(inner.get())) return error;
  // Pairs with the acquire load of array_of_maps_view_lookup: who sees the map sees it made.
  __atomic_store_n(&view_.slots[index], static_cast<void*>(inner.get()), __ATOMIC_RELEASE);
  hold(std::move(inner));
  return 0;
}

std::byte* ArrayOfMaps::lookup(const std::byte* key, unsigned /*cpu*/) noexcept {
  return static_cast<std::byte*>(array_of_maps_view_lookup(&view_, index_of(key)));
}

int ArrayOfMaps::erase(const std::byte* key) noexcept {
  const std::uint32_t index = index_of(key);
  if (frozen()) return -EPERM;
  if (index >= view_.max_entries) return -E2BIG;
  void* const none = nullptr;
  return __atomic_exchange_n(&view_.slots[index], none, __ATOMIC_ACQ_REL) != nullptr ? 0 : -ENOENT;
}

bool ArrayOfMaps::next_key(const std::byte* key, std::byte* next) const {
  return next_index(view_.max_entries, key, next);
}

Result<std::unique_ptr<Map>> HashOfMaps::make(const MapSpec& spec, unsigned cpus) {
  Result<std::unique_ptr<Map>> like = make_map(*spec.inner, cpus);
  if (!like) return std::move(like).error();
  MapSpec pointers = spec;
  pointers.type = MapType::kHash;
  pointers.value_size = sizeof(Map*);
  Result<std::unique_ptr<Map>> table = HashMap::make(pointers, cpus);
  if (!table) return std::move(table).error();
  return std::unique_ptr<Map>(new HashOfMaps(spec, cpus, std::move(*like), std::move(*table)));
}

int HashOfMaps::set(const std::byte* key, std::shared_ptr<Map> inner, UpdateMode mode) {
  if (frozen()) return -EPERM;
  if (const int error = check_inner(inner.get())) return error;
  const Map* const pointer = inner.get();
  // The table copies whole words with release stores, which pair with the load in `lookup`.
  if (const int error = table_->write(key, reinterpret_cast<const std::byte*>(&pointer), mode)) return error;
  hold(std::move(inner));
  return 0;
}

std::byte* HashOfMaps::lookup(const std::byte* key, unsigned cpu) noexcept {
  std::byte* const value = table_->lookup(key, cpu);
  if (value == nullptr) return nullptr;
  return __atomic_load_n(reinterpret_cast<std::byte**>(value), __ATOMIC_ACQUIRE);
}

int HashOfMaps::erase(const std::byte* key) noexcept { return frozen() ? -EPERM : table_->erase(key); }

bool HashOfMaps::next_key(const std::byte* key, std::byte* next) const { return table_->next_key(key, next); }

}  // namespace sluice::vm
