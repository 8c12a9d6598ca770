#pragma once
// ARRAY_OF_MAPS and HASH_OF_MAPS: what MapOfMaps (vm/maps/map.h) promises, over a row of pointers and over a HASH whose
// values are pointers. Threads: as vm/maps/map.h says; `set` is control path.
#include "vm/maps/array_of_maps_view.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class ArrayOfMaps final : public MapOfMaps {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  int set(const std::byte* key, std::shared_ptr<Map> inner, UpdateMode mode) override;
  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // ArrayOfMapsView

 private:
  ArrayOfMaps(const MapSpec& spec, unsigned cpus, std::unique_ptr<Map> like, MapMemory memory);
  MapMemory memory_;
  ArrayOfMapsView view_{};
};

class HashOfMaps final : public MapOfMaps {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  int set(const std::byte* key, std::shared_ptr<Map> inner, UpdateMode mode) override;
  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  [[nodiscard]] const void* view() const noexcept override { return table_->view(); }  // HashView; values are Map*

 private:
  HashOfMaps(const MapSpec& spec, unsigned cpus, std::unique_ptr<Map> like, std::unique_ptr<Map> table)
      : MapOfMaps(spec, cpus, std::move(like)), table_(std::move(table)) {}
  std::unique_ptr<Map> table_;  // HASH: key -> the inner map's address, 8 bytes
};

}  // namespace sluice::vm
