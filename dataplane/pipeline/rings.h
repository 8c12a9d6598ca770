#pragma once
// The reader at the other end of PERF_EVENT_ARRAY and RINGBUF maps. While there is one, programs write their records as
// in a kernel with a reader attached; what nobody wants to see is taken out, counted and thrown away, so that rings do
// not fill. Control path, one thread, beside the workers that write.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "dataplane/pipeline/pipeline.h"
#include "vm/maps/map.h"

namespace sluice::vm {
class PerfEventArray;
class Ringbuf;
}  // namespace sluice::vm

namespace sluice::pipeline {

constexpr std::uint32_t kPerfRingBytes = 1U << 18;  // of one CPU; the longest record takes a quarter of it

// Whether programs write records to it.
bool is_ring(const vm::Map& map) noexcept;

// A record as it is shown.
struct RingRecord {
  std::uint32_t map = 0;             // index into what was opened
  std::optional<std::uint32_t> cpu;  // of a PERF_EVENT_ARRAY: who wrote it; a RINGBUF does not say
  std::span<const std::byte> bytes;
  std::uint32_t of_frame = 0;  // bytes at its end that are the frame's first ones (bpf_perf_event_output)
};

struct RingCounters {
  std::uint32_t map = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t lost = 0;  // records that found no room
  bool operator==(const RingCounters&) const = default;
};

// Records taken out at one time, in the order they were begun.
class RingBatch {
 public:
  void clear() noexcept;
  void add(const RingRecord& record, std::uint32_t order);
  void sort();
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  // Its bytes live until the next `clear` or `add`.
  [[nodiscard]] RingRecord record(std::size_t index) const noexcept;
  // The index of the first record that is not in both, or nothing when they are equal. Both are sorted.
  [[nodiscard]] std::optional<std::size_t> first_difference(const RingBatch& other) const noexcept;

 private:
  struct Item {
    RingRecord record;  // without its bytes
    std::uint32_t order;
    std::size_t at, size;  // of bytes_
  };
  std::vector<Item> items_;
  std::vector<std::byte> bytes_;
};

class RingReader {
 public:
  struct Options {
    std::uint32_t perf_bytes = kPerfRingBytes;  // a power of two and whole pages
    bool ordered = false;  // `take` tells the order of records of different rings; their writers share a counter
  };
  // Opens a ring for every CPU of the perf arrays among `maps`, before programs run; other maps and nulls are passed
  // over. It holds the maps. kEnvironment when there is no memory.
  static Result<std::unique_ptr<RingReader>> open(std::span<const std::shared_ptr<vm::Map>> maps, Options options);
  // All of a pipeline's maps whose reader the configuration does not take away.
  static Result<std::unique_ptr<RingReader>> open(const Pipeline& pipeline, Options options);
  ~RingReader();
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;

  // No map is read.
  [[nodiscard]] bool empty() const noexcept { return rings_.empty(); }
  // Takes out what there is. With `ordered`, call it while no program runs.
  void drain();
  // The same, into `batch`, which is cleared first.
  void take(RingBatch& batch);
  // One each map read, ascending; what was lost up to now included.
  [[nodiscard]] std::vector<RingCounters> counters() const;

 private:
  struct Ring {
    std::shared_ptr<vm::Map> map;
    vm::PerfEventArray* perf = nullptr;  // one of these two
    vm::Ringbuf* buffer = nullptr;
    RingCounters counters;  // without what was not told of yet
    void number_by(std::uint32_t* next) const noexcept;
  };
  explicit RingReader(bool ordered) : ordered_(ordered) {}
  void drain_into(RingBatch* batch);

  std::vector<Ring> rings_;
  bool ordered_;
  std::uint32_t next_ = 0;  // number of the record that is begun next
};

}  // namespace sluice::pipeline
