#pragma once
// RINGBUF: records of any size from all workers to one reader, in the order of their reservation
// (kernel Documentation/bpf/ringbuf.rst). `max_entries` is its size in bytes, a power of two and whole pages. A record
// is an 8-byte header {length and two marks, place among the records of several rings} and its bytes, padded to 8.
// Threads: reserve, submit, discard, output and query by any worker; consume by one thread at a time beside them.
#include <cstdint>
#include <span>

#include "vm/maps/map.h"
#include "vm/maps/mirrored.h"

namespace sluice::vm {

// Flags of bpf_ringbuf_query, linux/bpf.h.
enum class RingbufQuery : std::uint64_t { kAvailData = 0, kRingSize = 1, kConsumerPosition = 2, kProducerPosition = 3 };

class Ringbuf final : public Map {
 public:
  static Result<std::unique_ptr<Map>> make(const MapSpec& spec, unsigned cpus);

  // `bytes` of a record that nobody sees before it is submitted, or null: there is no room. What is in them is left
  // over from earlier records. Data path, as the next four.
  std::byte* reserve(std::uint64_t bytes) noexcept;
  // Ends a reservation: the reader gets the record (submit) or passes over it (discard). `record` came from reserve.
  static void submit(std::byte* record) noexcept;
  static void discard(std::byte* record) noexcept;
  // A whole record at once. 0, or -EAGAIN: there is no room.
  int output(std::span<const std::byte> record) noexcept;
  // Bytes or positions (bytes since the start); 0 when `what` is none of RingbufQuery.
  [[nodiscard]] std::uint64_t query(std::uint64_t what) const noexcept;

  // Takes the next record that is complete and calls see(state, bytes), in place; false: there is none, or one that was
  // reserved before it is not submitted yet.
  using See = void (*)(void* state, std::span<const std::byte> record);
  bool consume(See see, void* state);

  // Of a record that consume shows: what `number_by` counted when it was reserved.
  [[nodiscard]] static std::uint32_t order_of(std::span<const std::byte> record) noexcept;
  // As PerfRing::number_by.
  void number_by(std::uint32_t* next) noexcept { next_ = next; }
  // Records that found no room.
  [[nodiscard]] std::uint64_t lost() const noexcept { return __atomic_load_n(&lost_, __ATOMIC_RELAXED); }

  // No keys, no values: -ENOTSUPP (524), as the kernel has it.
  std::byte* lookup(const std::byte* key, unsigned cpu) noexcept override;
  int update(const std::byte* key, const std::byte* value, UpdateMode mode, unsigned cpu) noexcept override;
  int erase(const std::byte* key) noexcept override;
  bool next_key(const std::byte* key, std::byte* next) const override;
  int read(const std::byte* key, std::byte* out) override;

 private:
  Ringbuf(const MapSpec& spec, unsigned cpus, MirroredMemory memory);
  static void commit(std::byte* record, std::uint32_t mark) noexcept;
  std::byte* reserve_locked(std::uint64_t bytes) noexcept;
  [[nodiscard]] std::uint32_t& header(std::uint64_t position) const noexcept;

  MirroredMemory memory_;
  std::byte* data_;
  std::uint64_t mask_;
  std::uint32_t* next_ = nullptr;
  alignas(64) std::uint32_t lock_ = 0;  // of producer_ and pending_
  std::uint64_t producer_ = 0;          // positions: bytes since the start, ever growing
  std::uint64_t pending_ = 0;           // all before it is complete
  std::uint64_t lost_ = 0;
  alignas(64) std::uint64_t consumer_ = 0;
};

}  // namespace sluice::vm
