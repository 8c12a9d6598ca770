#pragma once
// QUEUE and STACK: a ring of values under one lock, which is held while a value is copied. Threads: as vm/maps/map.h
// says.
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class QueueMap final : public Queue {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  int push(const std::byte* value, UpdateMode mode) noexcept override;
  int pop(std::byte* value) noexcept override;
  int peek(std::byte* value) noexcept override;

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;  // always null
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;  // -EINVAL
  int erase(const std::byte* key) noexcept override;                                                          // -EINVAL
  bool next_key(const std::byte* key, std::byte* next) const override;                // always false: there are no keys
  int read(const std::byte* key, std::byte* out) override;                            // peek
  int write(const std::byte* key, const std::byte* value, UpdateMode mode) override;  // push

 private:
  QueueMap(const MapSpec& spec, unsigned cpus, MapMemory memory);
  // Copies the next value out, or zeroes when there is none.
  int next(std::byte* value, bool leaves) noexcept;
  [[nodiscard]] std::byte* place(std::uint32_t index) const noexcept {
    return values_ + std::uint64_t{index} * spec().value_size;
  }

  MapMemory memory_;
  std::byte* values_;
  alignas(64) std::uint32_t lock_ = 0;
  std::uint32_t first_ = 0;  // place of the oldest value
  std::uint32_t count_ = 0;  // values in the map, at most max_entries
};

}  // namespace sluice::vm
