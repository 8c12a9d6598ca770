#pragma once
// CPUMAP: slots that name a worker by their index (the CPU), how many frames may wait for it, and a program to run
// there. Programs hand it to redirect_map only. A slot is a DEVMAP's (vm/maps/devmap_view.h) with a queue size for an
// ifindex. Threads: as vm/maps/map.h says.
#include "vm/maps/devmap_view.h"
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"

namespace sluice::vm {

class Cpumap final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  // Whether frames may go to that CPU; `program` is what runs there, null = none. Data path.
  [[nodiscard]] bool resolve(std::uint32_t cpu, const ProgramSlot*& program) const noexcept;
  // Attaches `program` (null = none) to a slot in use. 0 or -ENOENT. Control path.
  int attach(std::uint32_t cpu, const ProgramSlot* program);

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;  // {queue size, program's number or 0}
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // DevmapView

 private:
  Cpumap(const MapSpec& spec, unsigned cpus, MapMemory memory);
  MapMemory memory_;
  DevmapView view_{};
};

}  // namespace sluice::vm
