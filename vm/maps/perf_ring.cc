#include "vm/maps/perf_ring.h"

#include <cstring>
#include <utility>

namespace sluice::vm {
namespace {

struct Header {
  std::uint16_t bytes;     // of the record
  std::uint16_t of_frame;  // of them; or kLostMark
  std::uint32_t order;
};
static_assert(sizeof(Header) == 8);
constexpr std::uint16_t kLostMark = 0xffff;                         // the record tells what was lost
constexpr std::uint16_t kLostBytes = 16;                            // two numbers, of which we use one
constexpr std::uint64_t kMostBytes = 0xffff - sizeof(Header) - 11;  // the kernel's length of a record has 16 bits

constexpr std::uint64_t kNoticeRoom = sizeof(Header) + kLostBytes;
constexpr std::uint64_t room_of(std::uint64_t bytes) {
  return sizeof(Header) + ((bytes + sizeof(std::uint32_t) + 7) & ~std::uint64_t{7});
}

}  // namespace

Result<PerfRing> PerfRing::make(std::uint32_t bytes) {
  auto memory = MirroredMemory::make(bytes, "sluice perf ring");
  if (!memory) return std::move(memory).error();
  return PerfRing(std::move(*memory));
}

std::byte* PerfRing::reserve(std::uint64_t bytes, std::uint64_t of_frame) noexcept {
  const std::uint64_t head = __atomic_load_n(&head_, __ATOMIC_RELAXED);
  const std::uint64_t lost = __atomic_load_n(&lost_, __ATOMIC_RELAXED);
  // Pairs with the release store of `consume`: the reader is done with what it gives back.
  const std::uint64_t used = head - __atomic_load_n(&tail_, __ATOMIC_ACQUIRE);
  const std::uint64_t notice = lost != 0 ? kNoticeRoom : 0;
  // As in the kernel a ring is never full to the last byte.
  if (bytes > kMostBytes || used + notice + room_of(bytes) >= memory_.size()) {
    __atomic_store_n(&lost_, lost + 1, __ATOMIC_RELAXED);
    return nullptr;
  }
  if (notice != 0) {
    const Header header{.bytes = kLostBytes, .of_frame = kLostMark, .order = 0};
    std::memcpy(at(head), &header, sizeof header);
    std::memcpy(at(head) + sizeof header, &lost, sizeof lost);
    __atomic_store_n(&lost_, 0, __ATOMIC_RELAXED);
  }
  const Header header{.bytes = static_cast<std::uint16_t>(bytes),
                      .of_frame = static_cast<std::uint16_t>(of_frame),
                      .order = next_ == nullptr ? 0 : __atomic_fetch_add(next_, 1, __ATOMIC_RELAXED)};
  std::byte* const record = at(head + notice);
  std::memcpy(record, &header, sizeof header);
  reserved_ = head + notice + room_of(bytes);
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
  const bool notice = header.of_frame == kLostMark;
  if (notice) {
    std::memcpy(&record.lost, start, sizeof record.lost);
  } else {
    record = {.bytes = {start, header.bytes}, .of_frame = header.of_frame, .order = header.order};
  }
  see(state, record);
  __atomic_store_n(&tail_, tail_ + (notice ? kNoticeRoom : room_of(header.bytes)), __ATOMIC_RELEASE);
  return true;
}

}  // namespace sluice::vm
