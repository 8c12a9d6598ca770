#pragma once
// DEVMAP: ports by index. Values are written by the control path; programs only read them. Threads: as vm/maps/map.h
// says.
#include "vm/maps/devmap_view.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class DevmapArray final : public Devmap {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  bool resolve(std::uint32_t key, DevmapEntry& out) const noexcept override;
  int attach(std::uint32_t key, const ProgramSlot* program) override;
  void for_each(Visit each, void* state) const noexcept override;

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // DevmapView

 private:
  DevmapArray(const MapSpec& spec, unsigned cpus, MapMemory memory);
  MapMemory memory_;
  DevmapView view_{};
};

// What both devmaps take from a value of 4 or 8 bytes: an ifindex, and a program's descriptor that must be none. Bytes
// cannot name a program here: `attach` is the way. 0 or -EINVAL.
int devmap_value(const MapSpec& spec, const std::byte* value, std::uint32_t& ifindex) noexcept;

// Changes a slot in place; one writer at a time. `first` is the value's first half: 0 empties the slot.
void devmap_slot_store(DevmapSlot& slot, std::uint32_t first, const ProgramSlot* program) noexcept;

// A devmap value as programs read it.
constexpr std::uint64_t devmap_word(std::uint32_t ifindex, const ProgramSlot* program) noexcept {
  return ifindex | (program == nullptr ? 0 : (std::uint64_t{program->stage} + 1) << 32);
}

// The spec with the flag the kernel sets by itself: programs may not write values.
MapSpec devmap_spec(MapSpec spec);

}  // namespace sluice::vm
