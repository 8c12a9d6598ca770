#include "vm/maps/perf_event_array.h"

#include <algorithm>
#include <bit>
#include <cerrno>

#include "vm/maps/array.h"

namespace sluice::vm {
namespace {

constexpr std::uint32_t kPageBytes = 4096;
constexpr int kNotSupported = 524;  // ENOTSUPP, include/linux/errno.h

}  // namespace

PerfEventArray::PerfEventArray(const MapSpec& spec, unsigned cpus, MapMemory memory)
    : Map(spec, cpus), memory_(std::move(memory)) {
  slots_ = reinterpret_cast<PerfRing**>(memory_.take(std::uint64_t{sizeof(PerfRing*)} * spec.max_entries));
}

Result<std::unique_ptr<Map>> PerfEventArray::make(const MapSpec& spec, unsigned cpus) {
  Result<MapMemory> memory = MapMemory::reserve(MapMemory::padded(std::uint64_t{sizeof(PerfRing*)} * spec.max_entries));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new PerfEventArray(spec, cpus, std::move(*memory)));
}

int PerfEventArray::open(std::uint32_t index, std::uint32_t bytes) {
  if (index >= spec().max_entries) return -E2BIG;
  if (bytes < kPageBytes || !std::has_single_bit(bytes)) return -EINVAL;
  auto made = PerfRing::make(bytes);
  if (!made) return -ENOMEM;
  held_.push_back(std::make_unique<PerfRing>(std::move(*made)));
  // Pairs with the acquire load of `ring`: who sees the pointer sees an empty ring.
  __atomic_store_n(&slots_[index], held_.back().get(), __ATOMIC_RELEASE);
  return 0;
}

int PerfEventArray::open_all(std::uint32_t bytes) {
  for (std::uint32_t index = 0; index < std::min(spec().max_entries, cpus()); ++index) {
    if (const int error = open(index, bytes)) return error;
  }
  return 0;
}

PerfRing* PerfEventArray::ring(std::uint32_t index) const noexcept {
  return index < spec().max_entries ? __atomic_load_n(&slots_[index], __ATOMIC_ACQUIRE) : nullptr;
}

void PerfEventArray::number_by(std::uint32_t* next) noexcept {
  for (const auto& ring : held_) ring->number_by(next);
}

PerfEventArray::Room PerfEventArray::reserve(std::uint32_t index, unsigned cpu, std::uint64_t bytes,
                                             std::uint64_t of_frame) const noexcept {
  if (index >= spec().max_entries) return {.error = -E2BIG};
  PerfRing* const found = ring(index);
  if (found == nullptr) return {.error = -ENOENT};
  if (index != cpu) return {.error = -EOPNOTSUPP};
  std::byte* const to = found->reserve(bytes, of_frame);
  return {.to = to, .ring = found, .error = to == nullptr ? -ENOSPC : 0};
}

std::byte* PerfEventArray::lookup(const std::byte* /*key*/, unsigned /*cpu*/) noexcept { return nullptr; }

int PerfEventArray::update(const std::byte* key, const std::byte* /*value*/, UpdateMode mode,
                           unsigned /*cpu*/) noexcept {
  if (frozen()) return -EPERM;
  if (mode != UpdateMode::kAny) return -EINVAL;
  return index_of(key) >= spec().max_entries ? -E2BIG : -EBADF;
}

int PerfEventArray::erase(const std::byte* key) noexcept {
  if (frozen()) return -EPERM;
  if (index_of(key) >= spec().max_entries) return -E2BIG;
  PerfRing* const none = nullptr;
  return __atomic_exchange_n(&slots_[index_of(key)], none, __ATOMIC_ACQ_REL) != nullptr ? 0 : -ENOENT;
}

bool PerfEventArray::next_key(const std::byte* key, std::byte* next) const {
  return next_index(spec().max_entries, key, next);
}

int PerfEventArray::read(const std::byte* /*key*/, std::byte* /*out*/) { return -kNotSupported; }

}  // namespace sluice::vm
