#include "vm/maps/array.h"

#include <cerrno>

#include "base/check.h"
#include "vm/maps/spin_lock.h"
#include "vm/maps/value_copy.h"
#include "vm/maps/words.h"

namespace sluice::vm {
namespace {

std::uint32_t stride_of(const MapSpec& spec) { return (spec.value_size + 7) & ~7U; }
const std::uint8_t* bytes(const std::byte* at) { return reinterpret_cast<const std::uint8_t*>(at); }

// What the kernel checks of a program's update, in its order: 0 or -errno. The index goes before the lock; bpf(2) looks
// for the lock at once.
int check_program_update(const Map& map, const std::byte* key, UpdateMode mode) noexcept {
  const auto flags = static_cast<std::uint64_t>(mode);
  if (map.frozen()) return -EPERM;
  if ((flags & ~kLockFlag) > static_cast<std::uint64_t>(UpdateMode::kExist)) return -EINVAL;
  if (index_of(key) >= map.spec().max_entries) return -E2BIG;
  if ((flags & static_cast<std::uint64_t>(UpdateMode::kNoExist)) != 0) return -EEXIST;
  return wants_lock(mode) && map.spec().special.lock < 0 ? -EINVAL : 0;
}

// What it checks of every other update of an array.
int check_update(const Map& map, const std::byte* key, UpdateMode mode) noexcept {
  if (map.frozen()) return -EPERM;
  if (wants_lock(mode) && map.spec().special.lock < 0) return -EINVAL;
  return check_program_update(map, key, mode);
}

// Of an array whose indices all exist.
bool next_array_element(Map& map, MapCursor& cursor, unsigned cpu) noexcept {
  if (cursor.position >= map.spec().max_entries) return false;
  cursor.index = static_cast<std::uint32_t>(cursor.position++);
  cursor.key = reinterpret_cast<const std::byte*>(&cursor.index);
  cursor.value = map.lookup(cursor.key, cpu);
  ++cursor.seen;
  return true;
}

}  // namespace

bool next_index(std::uint32_t entries, const std::byte* key, std::byte* next) noexcept {
  std::uint32_t index = 0;
  if (key != nullptr && index_of(key) < entries) index = index_of(key) + 1;
  if (index >= entries) return false;
  __builtin_memcpy(next, &index, sizeof index);
  return true;
}

ArrayMap::ArrayMap(const MapSpec& spec, unsigned cpus, MapMemory memory) : Map(spec, cpus), memory_(std::move(memory)) {
  view_.stride = stride_of(spec);
  view_.max_entries = spec.max_entries;
  view_.values = memory_.take(std::uint64_t{view_.stride} * spec.max_entries);
}

Result<std::unique_ptr<Map>> ArrayMap::make(const MapSpec& spec, unsigned cpus) {
  Result<MapMemory> memory = MapMemory::reserve(MapMemory::padded(std::uint64_t{stride_of(spec)} * spec.max_entries));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new ArrayMap(spec, cpus, std::move(*memory)));
}

std::byte* ArrayMap::lookup(const std::byte* key, unsigned /*cpu*/) noexcept {
  return reinterpret_cast<std::byte*>(array_view_lookup(&view_, index_of(key)));
}

int ArrayMap::update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned /*cpu*/) noexcept {
  if (const int error = check_program_update(*this, key, mode)) return error;
  store(key, value, mode);
  return 0;
}

int ArrayMap::write(const std::byte* key, const std::byte* value, UpdateMode mode) {
  if (const int error = check_update(*this, key, mode)) return error;
  store(key, value, mode);
  return 0;
}

void ArrayMap::store(const std::byte* key, const std::byte* value, UpdateMode mode) noexcept {
  std::uint8_t* const to = array_view_lookup(&view_, index_of(key));
  if (wants_lock(mode)) {
    const SpinGuard guard(value_lock(spec(), to));
    store_value(spec(), to, bytes(value));
  } else {
    store_value(spec(), to, bytes(value));
  }
  clear_timer(spec(), to);  // as the kernel does, be it the same value
}

int ArrayMap::erase(const std::byte* /*key*/) noexcept { return frozen() ? -EPERM : -EINVAL; }

bool ArrayMap::next_element(MapCursor& cursor, unsigned cpu) noexcept { return next_array_element(*this, cursor, cpu); }

bool ArrayMap::next_key(const std::byte* key, std::byte* next) const {
  return next_index(view_.max_entries, key, next);
}

PercpuArrayMap::PercpuArrayMap(const MapSpec& spec, unsigned cpus, MapMemory memory)
    : Map(spec, cpus), memory_(std::move(memory)) {
  view_.stride = stride_of(spec);
  view_.max_entries = spec.max_entries;
  view_.cpu_stride = MapMemory::padded(std::uint64_t{view_.stride} * spec.max_entries);
  view_.values = memory_.take(view_.cpu_stride * (cpus + 1));
}

Result<std::unique_ptr<Map>> PercpuArrayMap::make(const MapSpec& spec, unsigned cpus) {
  const std::uint64_t one_cpu = MapMemory::padded(std::uint64_t{stride_of(spec)} * spec.max_entries);
  Result<MapMemory> memory = MapMemory::reserve(one_cpu * (cpus + 1));  // one more: runs of the control thread
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new PercpuArrayMap(spec, cpus, std::move(*memory)));
}

std::byte* PercpuArrayMap::lookup(const std::byte* key, unsigned cpu) noexcept {
  SLUICE_DCHECK(cpu <= cpus());
  return reinterpret_cast<std::byte*>(percpu_array_view_lookup(&view_, index_of(key), cpu));
}

int PercpuArrayMap::update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept {
  if (const int error = check_program_update(*this, key, mode)) return error;
  words_store(percpu_array_view_lookup(&view_, index_of(key), cpu), bytes(value), spec().value_size);
  return 0;
}

int PercpuArrayMap::erase(const std::byte* /*key*/) noexcept { return frozen() ? -EPERM : -EINVAL; }

bool PercpuArrayMap::next_element(MapCursor& cursor, unsigned cpu) noexcept {
  return next_array_element(*this, cursor, cpu);
}

bool PercpuArrayMap::next_key(const std::byte* key, std::byte* next) const {
  return next_index(view_.max_entries, key, next);
}

int PercpuArrayMap::read(const std::byte* key, std::byte* out) {
  if (index_of(key) >= view_.max_entries) return -ENOENT;
  auto* to = reinterpret_cast<std::uint8_t*>(out);
  for (unsigned cpu = 0; cpu < cpus(); ++cpu, to += percpu_stride()) {
    words_load(to, percpu_array_view_lookup(&view_, index_of(key), cpu), percpu_stride());
  }
  return 0;
}

int PercpuArrayMap::write(const std::byte* key, const std::byte* value, UpdateMode mode) {
  if (const int error = check_update(*this, key, mode)) return error;
  const std::uint8_t* from = bytes(value);
  for (unsigned cpu = 0; cpu < cpus(); ++cpu, from += percpu_stride()) {
    words_store(percpu_array_view_lookup(&view_, index_of(key), cpu), from, percpu_stride());
  }
  return 0;
}

}  // namespace sluice::vm
