#pragma once
// DEVMAP_HASH: ports by any 32-bit number. Written by the control path; programs only read. Threads: as vm/maps/map.h
// says.
#include "vm/maps/devmap_hash_view.h"
#include "vm/maps/element_pool.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class DevmapHash final : public Devmap {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  bool resolve(std::uint32_t key, DevmapEntry& out) const noexcept override;
  int attach(std::uint32_t key, const ProgramSlot* program) override;
  void for_each(Visit each, void* state) const noexcept override;

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // DevmapHashView

 private:
  // One step of an iteration, copied whole.
  struct Step {
    bool from_present = false;  // the key it went on from was there
    bool found = false;
    std::uint32_t key = 0;
    DevmapEntry entry;
  };
  DevmapHash(const MapSpec& spec, unsigned cpus, MapMemory memory, std::uint32_t buckets, std::uint32_t nodes);
  void put_locked(std::uint32_t key, std::uint32_t ifindex, const ProgramSlot* program, std::uint32_t old) noexcept;
  void take_out_locked(std::uint32_t node) noexcept;
  void step_sequence(int order) noexcept;
  [[nodiscard]] std::uint32_t head_from(std::uint32_t bucket) const noexcept;
  // The entry after `key` (null: the first).
  [[nodiscard]] Step after(const std::uint32_t* key) const noexcept;

  MapMemory memory_;
  DevmapHashView view_{};
  ElementPool nodes_;
  std::uint32_t lock_ = 0;
  std::uint32_t count_ = 0;  // entries, at most max_entries
};

}  // namespace sluice::vm
