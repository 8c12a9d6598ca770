#pragma once
// PERF_EVENT_ARRAY: slots in which user space puts rings, and programs write records to the ring of their own CPU
// (bpf_perf_event_output). Slot i takes the ring of CPU i, as libbpf's perf_buffer fills it. Empty until `open`.
// Threads: `write` by any worker for its own CPU; the rest on the control path, beside workers. Each ring has one
// reader.
#include <memory>
#include <vector>

#include "vm/maps/map.h"
#include "vm/maps/map_memory.h"
#include "vm/maps/perf_ring.h"

namespace sluice::vm {

class PerfEventArray final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  // Puts an empty ring of `bytes` (a power of two and whole pages) into a slot, in place of what is there; who read the
  // old one may go on until the map dies. 0, -E2BIG, -EINVAL for such bytes, -ENOMEM.
  int open(std::uint32_t index, std::uint32_t bytes);
  // The same for all CPUs that have a slot.
  int open_all(std::uint32_t bytes);
  // The ring in a slot, or null.
  [[nodiscard]] PerfRing* ring(std::uint32_t index) const noexcept;

  // PerfRing::number_by of all rings that were opened.
  void number_by(std::uint32_t* next) noexcept;

  // Room for `bytes`, the last `of_frame` of them a frame's, in the ring of slot `index` for a program on `cpu`. Data
  // path.
  struct Room {
    std::byte* to = nullptr;  // null: see `error`
    PerfRing* ring = nullptr;
    int error = 0;  // -E2BIG: no such slot; -ENOENT: it is empty; -EOPNOTSUPP: another CPU's; -ENOSPC: no room
  };
  [[nodiscard]] Room reserve(std::uint32_t index, unsigned cpu, std::uint64_t bytes,
                             std::uint64_t of_frame = 0) const noexcept;

  // No values that can be read: -ENOTSUPP (524), as the kernel has it. Bytes cannot name a ring: -EBADF.
  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;  // empties the slot
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;

 private:
  PerfEventArray(const MapSpec& spec, unsigned cpus, MapMemory memory);
  MapMemory memory_;
  PerfRing** slots_;
  std::vector<std::unique_ptr<PerfRing>> held_;  // every ring there ever was: a worker may be writing it
};

}  // namespace sluice::vm
