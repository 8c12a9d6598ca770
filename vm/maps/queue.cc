#include "vm/maps/queue.h"

#include <cerrno>
#include <cstring>

#include "vm/maps/spin_lock.h"

namespace sluice::vm {
namespace {

// `index` places behind `first` in a ring of `size`.
std::uint32_t behind(std::uint32_t first, std::uint32_t index, std::uint32_t size) {
  const std::uint64_t place = std::uint64_t{first} + index;
  return static_cast<std::uint32_t>(place >= size ? place - size : place);
}

}  // namespace

QueueMap::QueueMap(const MapSpec& spec, unsigned cpus, MapMemory memory)
    : Queue(spec, cpus),
      memory_(std::move(memory)),
      values_(reinterpret_cast<std::byte*>(memory_.take(std::uint64_t{spec.value_size} * spec.max_entries))) {}

Result<std::unique_ptr<Map>> QueueMap::make(const MapSpec& spec, unsigned cpus) {
  Result<MapMemory> memory = MapMemory::reserve(MapMemory::padded(std::uint64_t{spec.value_size} * spec.max_entries));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new QueueMap(spec, cpus, std::move(*memory)));
}

int QueueMap::push(const std::byte* value, UpdateMode mode) noexcept {
  if (frozen()) return -EPERM;
  if (mode != UpdateMode::kAny && mode != UpdateMode::kExist) return -EINVAL;
  const std::uint32_t most = spec().max_entries;
  const SpinGuard guard(lock_);
  if (count_ == most) {
    if (mode != UpdateMode::kExist) return -E2BIG;
    first_ = behind(first_, 1, most);  // the oldest goes, in a stack too
    --count_;
  }
  std::memcpy(place(behind(first_, count_, most)), value, spec().value_size);
  ++count_;
  return 0;
}

int QueueMap::next(std::byte* value, bool leaves) noexcept {
  const SpinGuard guard(lock_);
  if (count_ == 0) {
    std::memset(value, 0, spec().value_size);
    return -ENOENT;
  }
  const bool newest = spec().type == MapType::kStack;
  const std::uint32_t index = newest ? behind(first_, count_ - 1, spec().max_entries) : first_;
  std::memcpy(value, place(index), spec().value_size);
  if (!leaves) return 0;
  if (!newest) first_ = behind(first_, 1, spec().max_entries);
  --count_;
  return 0;
}

int QueueMap::pop(std::byte* value) noexcept { return frozen() ? -EPERM : next(value, true); }

int QueueMap::peek(std::byte* value) noexcept { return next(value, false); }

std::byte* QueueMap::lookup(const std::byte* /*key*/, unsigned /*cpu*/) noexcept { return nullptr; }

int QueueMap::update(const std::byte* /*key*/, const std::byte* /*value*/, UpdateMode /*mode*/,
                     unsigned /*cpu*/) noexcept {
  return -EINVAL;
}

int QueueMap::erase(const std::byte* /*key*/) noexcept { return -EINVAL; }

bool QueueMap::next_key(const std::byte* /*key*/, std::byte* /*next*/) const { return false; }

int QueueMap::read(const std::byte* /*key*/, std::byte* out) { return peek(out); }

int QueueMap::write(const std::byte* /*key*/, const std::byte* value, UpdateMode mode) { return push(value, mode); }

}  // namespace sluice::vm
