#include "vm/maps/prog_array.h"

#include <cerrno>
#include <cstring>

#include "vm/maps/array.h"

namespace sluice::vm {

ProgArrayMap::ProgArrayMap(const MapSpec& spec, unsigned cpus, MapMemory memory)
    : ProgArray(spec, cpus), memory_(std::move(memory)) {
  view_.slots = reinterpret_cast<const void**>(memory_.take(std::uint64_t{sizeof(void*)} * spec.max_entries));
  view_.max_entries = spec.max_entries;
}

Result<std::unique_ptr<Map>> ProgArrayMap::make(const MapSpec& spec, unsigned cpus) {
  Result<MapMemory> memory = MapMemory::reserve(MapMemory::padded(std::uint64_t{sizeof(void*)} * spec.max_entries));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new ProgArrayMap(spec, cpus, std::move(*memory)));
}

const ProgramSlot* ProgArrayMap::slot(std::uint32_t index) const noexcept {
  return static_cast<const ProgramSlot*>(prog_array_view_slot(&view_, index));
}

int ProgArrayMap::set(std::uint32_t index, const ProgramSlot* program) {
  if (frozen()) return -EPERM;
  if (index >= view_.max_entries) return -E2BIG;
  if (program != nullptr) {
    const LoadedProgram& loaded = program->program->program();
    if (owner_type_ == nullptr) {
      owner_type_ = loaded.type;
      owner_frags_ = loaded.frags;
    }
    if (loaded.type != owner_type_ || loaded.frags != owner_frags_) return -EINVAL;
  }
  // Pairs with the acquire load of prog_array_view_slot: who sees the pointer sees the ProgramSlot's members.
  __atomic_store_n(&view_.slots[index], static_cast<const void*>(program), __ATOMIC_RELEASE);
  return 0;
}

std::byte* ProgArrayMap::lookup(const std::byte* /*key*/, unsigned /*cpu*/) noexcept { return nullptr; }

// Bytes cannot name a program: `set` is the only way in. The kernel says the same of a value that is no descriptor.
int ProgArrayMap::update(const std::byte* key, const std::byte* /*value*/, UpdateMode mode, unsigned /*cpu*/) noexcept {
  if (frozen()) return -EPERM;
  if (mode != UpdateMode::kAny) return -EINVAL;
  return index_of(key) >= view_.max_entries ? -E2BIG : -EBADF;
}

int ProgArrayMap::erase(const std::byte* key) noexcept {
  const std::uint32_t index = index_of(key);
  if (frozen()) return -EPERM;
  if (index >= view_.max_entries) return -E2BIG;
  const void* const none = nullptr;
  return __atomic_exchange_n(&view_.slots[index], none, __ATOMIC_ACQ_REL) != nullptr ? 0 : -ENOENT;
}

bool ProgArrayMap::next_key(const std::byte* key, std::byte* next) const {
  return next_index(view_.max_entries, key, next);
}

int ProgArrayMap::read(const std::byte* key, std::byte* out) {
  const ProgramSlot* const found = slot(index_of(key));
  if (found == nullptr) return -ENOENT;
  const std::uint32_t id = found->stage + 1U;
  std::memcpy(out, &id, sizeof id);
  return 0;
}

}  // namespace sluice::vm
