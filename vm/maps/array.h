#pragma once
// ARRAY and PERCPU_ARRAY: every index always exists, values change in place. Threads: as vm/maps/map.h says.
#include "vm/maps/array_view.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"
#include "vm/maps/percpu_array_view.h"

namespace sluice::vm {

class ArrayMap final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_element(MapCursor& cursor, unsigned cpu) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int write(const std::byte* key, const std::byte* value, UpdateMode mode) override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // ArrayView

 private:
  ArrayMap(const MapSpec& spec, unsigned cpus, MapMemory memory);
  void store(const std::byte* key, const std::byte* value, UpdateMode mode) noexcept;
  MapMemory memory_;
  ArrayView view_{};
};

class PercpuArrayMap final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_element(MapCursor& cursor, unsigned cpu) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;
  int write(const std::byte* key, const std::byte* value, UpdateMode mode) override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // PercpuArrayView

 private:
  PercpuArrayMap(const MapSpec& spec, unsigned cpus, MapMemory memory);
  MapMemory memory_;
  PercpuArrayView view_{};
};

// The next index after `key` in 0..entries-1 (null or out of range: 0), as every array type of the kernel counts. False
// at the end.
bool next_index(std::uint32_t entries, const std::byte* key, std::byte* next) noexcept;

// The index a key of 4 bytes holds.
inline std::uint32_t index_of(const std::byte* key) noexcept {
  std::uint32_t index = 0;
  __builtin_memcpy(&index, key, sizeof index);
  return index;
}

}  // namespace sluice::vm
