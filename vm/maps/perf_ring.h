#pragma once
// What one CPU's records of a PERF_EVENT_ARRAY go through: one worker writes, one thread reads. Room is counted as the
// kernel's ring of perf events counts it (perf_event_open(2), kernel/events/ring_buffer.c), so that the same records
// find room: a record takes 8 bytes and its own 4-byte length, padded to 8; what found no room is told of by a record
// of 24 bytes before the next one. In a record's first 8 bytes ours says more than the kernel's: how much of it is of
// the frame, and its place among the records of several rings. Threads: reserve and commit by the worker, consume by
// one thread beside it.
#include <cstdint>
#include <span>

#include "vm/maps/mirrored.h"

namespace sluice::vm {

class PerfRing {
 public:
  // `bytes` is a power of two and whole pages.
  static Result<PerfRing> make(std::uint32_t bytes);

  // `bytes` of a record that nobody sees before `commit`, the last `of_frame` of them a frame's; or null: there is no
  // room, and the record counts as lost. Data path.
  std::byte* reserve(std::uint64_t bytes, std::uint64_t of_frame = 0) noexcept;
  void commit() noexcept;

  struct Record {
    std::span<const std::byte> bytes;  // empty when `lost` is not 0
    std::uint64_t lost = 0;            // records before the next one that found no room
    std::uint32_t of_frame = 0;        // bytes at its end that were a frame's first ones
    std::uint32_t order = 0;           // what `number_by` counted when it was reserved
  };
  // Takes the next record and calls see(state, record), in place; false: there is none.
  using See = void (*)(void* state, const Record& record);
  bool consume(See see, void* state);
  // Records take their numbers from `next`, which outlives the ring or is taken back by null; null: all are 0. Before
  // the worker writes.
  void number_by(std::uint32_t* next) noexcept { next_ = next; }
  // What was lost and not told of by a record yet: nothing was written since.
  [[nodiscard]] std::uint64_t lost_since() const noexcept { return __atomic_load_n(&lost_, __ATOMIC_RELAXED); }
  [[nodiscard]] std::size_t size() const noexcept { return memory_.size(); }

 private:
  explicit PerfRing(MirroredMemory memory) noexcept : memory_(std::move(memory)) {}
  [[nodiscard]] std::byte* at(std::uint64_t position) const noexcept {
    return memory_.data() + (position & (memory_.size() - 1));
  }

  MirroredMemory memory_;
  std::uint32_t* next_ = nullptr;
  // Positions: bytes since the start, ever growing.
  std::uint64_t reserved_ = 0;  // the worker's: where the record being written ends
  std::uint64_t lost_ = 0;      // written by the worker
  alignas(64) std::uint64_t head_ = 0;
  alignas(64) std::uint64_t tail_ = 0;
};

}  // namespace sluice::vm
