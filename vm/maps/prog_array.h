#pragma once
// PROG_ARRAY: one pointer a slot, read by workers with one acquire load. The first program set decides which programs
// fit (its type and whether it handles frags), as in the kernel. Threads: as vm/maps/map.h says; `set` is control path.
#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"
#include "vm/maps/prog_array_view.h"

namespace sluice::vm {

class ProgArrayMap final : public ProgArray {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  [[nodiscard]] const ProgramSlot* slot(std::uint32_t index) const noexcept override;
  int set(std::uint32_t index, const ProgramSlot* program) override;

  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;  // always null
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  // The value of an occupied slot is its program's stage number plus 1, where the kernel has a program id.
  int read(const std::byte* key, std::byte* out) override;
  [[nodiscard]] const void* view() const noexcept override { return &view_; }  // ProgArrayView

 private:
  ProgArrayMap(const MapSpec& spec, unsigned cpus, MapMemory memory);
  MapMemory memory_;
  ProgArrayView view_{};
  const ProgramType* owner_type_ = nullptr;  // null = nobody was set yet
  bool owner_frags_ = false;
};

}  // namespace sluice::vm
