#include "vm/maps/perf_ring.h"

#include <cstring>
#include <utility>

namespace sluice::vm {
namespace {

struct Header {
  std::uint32_t bytes;  // of the record
  std::uint32_t kind;
};
constexpr std::uint32_t kLost = 2, kSample = 9;                     // PERF_RECORD_LOST, PERF_RECORD_SAMPLE
constexpr std::uint64_t kLostBytes = 16;                            // two numbers, of which we use one
constexpr std::uint64_t kMostBytes = 0xffff - sizeof(Header) - 11;  // the kernel's length of a record has 16 bits

constexpr std::uint64_t room_of(std::uint64_t bytes, std::uint32_t kind) {
  return sizeof(Header) + (kind == kLost ? bytes : ((bytes + sizeof(std::uint32_t) + 7) & ~std::uint64_t{7}));
}

}  // namespace

Result<PerfRing> PerfRing::make(std::uint32_t bytes) {
  auto memory = MirroredMemory::make(bytes, "sluice perf ring");
  if (!memory) return std::move(memory).error();
  return PerfRing(std::move(*memory));
}

std::byte* PerfRing::reserve(std::uint64_t bytes) noexcept {
  const std::uint64_t head = __atomic_load_n(&head_, __ATOMIC_RELAXED);
  const std::uint64_t lost = __atomic_load_n(&lost_, __ATOMIC_RELAXED);
  // Pairs with the release store of `consume`: the reader is done with what it gives back.
  const std::uint64_t used = head - __atomic_load_n(&tail_, __ATOMIC_ACQUIRE);
  const std::uint64_t notice = lost != 0 ? room_of(kLostBytes, kLost) : 0;
  // As in the kernel a ring is never full to the last byte.
  if (bytes > kMostBytes || used + notice + room_of(bytes, kSample) >= memory_.size()) {
    __atomic_store_n(&lost_, lost + 1, __ATOMIC_RELAXED);
    return nullptr;
  }
  if (notice != 0) {
    const Header header{.bytes = kLostBytes, .kind = kLost};
    std::memcpy(at(head), &header, sizeof header);
    std::memcpy(at(head) + sizeof header, &lost, sizeof lost);
    __atomic_store_n(&lost_, 0, __ATOMIC_RELAXED);
  }
  const Header header{.bytes = static_cast<std::uint32_t>(bytes), .kind = kSample};
  std::byte* const record = at(head + notice);
  std::memcpy(record, &header, sizeof header);
  reserved_ = head + notice + room_of(bytes, kSample);
  return record + sizeof header;
}

void PerfRing::commit() noexcept { __atomic_store_n(&head_, reserved_, __ATOMIC_RELEASE); }

bool PerfRing::consume(See see, void* state) {
  // Pairs with the release store of `commit`.
  if (tail_ == __atomic_load_n(&head_, __ATOMIC_ACQUIRE)) return false;
  Header header{};
  std::memcpy(&header, at(tail_), sizeof header);
  const std::byte* const start = at(tail_) + sizeof header;
  Record record;
  if (header.kind == kLost) {
    std::memcpy(&record.lost, start, sizeof record.lost);
  } else {
    record.bytes = {start, header.bytes};
  }
  see(state, record);
  __atomic_store_n(&tail_, tail_ + room_of(header.bytes, header.kind), __ATOMIC_RELEASE);
  return true;
}

}  // namespace sluice::vm
