#include "vm/maps/ringbuf.h"

#include <cerrno>
#include <cstring>

#include "vm/maps/spin_lock.h"

namespace sluice::vm {
namespace {

// Marks in a header's length, linux/bpf.h.
constexpr std::uint32_t kBusy = 1U << 31;     // BPF_RINGBUF_BUSY_BIT
constexpr std::uint32_t kDiscard = 1U << 30;  // BPF_RINGBUF_DISCARD_BIT
constexpr std::uint64_t kHeaderBytes = 8;     // BPF_RINGBUF_HDR_SZ
constexpr std::uint64_t kMostBytes = UINT32_MAX / 4;
constexpr int kNotSupported = 524;  // ENOTSUPP, include/linux/errno.h

constexpr std::uint64_t room_of(std::uint64_t length) { return (length + kHeaderBytes + 7) & ~std::uint64_t{7}; }

}  // namespace

Ringbuf::Ringbuf(const MapSpec& spec, unsigned cpus, MirroredMemory memory)
    : Map(spec, cpus), memory_(std::move(memory)), data_(memory_.data()), mask_(spec.max_entries - std::uint64_t{1}) {}

Result<std::unique_ptr<Map>> Ringbuf::make(const MapSpec& spec, unsigned cpus) {
  auto memory = MirroredMemory::make(spec.max_entries, "sluice ring buffer");
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<Map>(new Ringbuf(spec, cpus, std::move(*memory)));
}

std::uint32_t& Ringbuf::header(std::uint64_t position) const noexcept {
  return *reinterpret_cast<std::uint32_t*>(data_ + (position & mask_));
}

std::byte* Ringbuf::reserve(std::uint64_t bytes) noexcept {
  std::byte* const record = bytes > kMostBytes || room_of(bytes) > mask_ + 1 ? nullptr : reserve_locked(bytes);
  if (record == nullptr) __atomic_fetch_add(&lost_, 1, __ATOMIC_RELAXED);
  return record;
}

std::byte* Ringbuf::reserve_locked(std::uint64_t bytes) noexcept {
  const std::uint64_t consumer = __atomic_load_n(&consumer_, __ATOMIC_ACQUIRE);
  const SpinGuard guard(lock_);
  while (pending_ < producer_) {
    const std::uint32_t length = __atomic_load_n(&header(pending_), __ATOMIC_ACQUIRE);
    if ((length & kBusy) != 0) break;
    pending_ += room_of(length & ~kDiscard);
  }
  const std::uint64_t after = producer_ + room_of(bytes);
  // As in the kernel a ring is never full to the last byte, nor does its producer go round the oldest open record.
  if (after - consumer > mask_ || after - pending_ > mask_) return nullptr;
  std::uint32_t& length = header(producer_);
  std::byte* const record = reinterpret_cast<std::byte*>(&length) + kHeaderBytes;
  __atomic_store_n(&length, static_cast<std::uint32_t>(bytes) | kBusy, __ATOMIC_RELAXED);
  (&length)[1] = next_ == nullptr ? 0 : __atomic_fetch_add(next_, 1, __ATOMIC_RELAXED);
  __atomic_store_n(&producer_, after, __ATOMIC_RELEASE);  // the reader sees the header with it
  return record;
}

void Ringbuf::commit(std::byte* record, std::uint32_t mark) noexcept {
  auto* const length = reinterpret_cast<std::uint32_t*>(record - kHeaderBytes);
  __atomic_store_n(length, (__atomic_load_n(length, __ATOMIC_RELAXED) & ~kBusy) | mark, __ATOMIC_RELEASE);
}

void Ringbuf::submit(std::byte* record) noexcept { commit(record, 0); }
void Ringbuf::discard(std::byte* record) noexcept { commit(record, kDiscard); }

int Ringbuf::output(std::span<const std::byte> record) noexcept {
  std::byte* const to = reserve(record.size());
  if (to == nullptr) return -EAGAIN;
  if (!record.empty()) std::memcpy(to, record.data(), record.size());
  submit(to);
  return 0;
}

std::uint64_t Ringbuf::query(std::uint64_t what) const noexcept {
  const std::uint64_t consumer = __atomic_load_n(&consumer_, __ATOMIC_ACQUIRE);
  const std::uint64_t producer = __atomic_load_n(&producer_, __ATOMIC_ACQUIRE);
  switch (static_cast<RingbufQuery>(what)) {
    case RingbufQuery::kAvailData: return producer - consumer;
    case RingbufQuery::kRingSize: return mask_ + 1;
    case RingbufQuery::kConsumerPosition: return consumer;
    case RingbufQuery::kProducerPosition: return producer;
  }
  return 0;
}

bool Ringbuf::consume(See see, void* state) {
  for (;;) {
    if (consumer_ == __atomic_load_n(&producer_, __ATOMIC_ACQUIRE)) return false;
    const std::uint32_t length = __atomic_load_n(&header(consumer_), __ATOMIC_ACQUIRE);
    if ((length & kBusy) != 0) return false;
    const std::uint32_t bytes = length & ~kDiscard;
    const bool wanted = (length & kDiscard) == 0;
    if (wanted) see(state, {reinterpret_cast<const std::byte*>(&header(consumer_)) + kHeaderBytes, bytes});
    __atomic_store_n(&consumer_, consumer_ + room_of(bytes), __ATOMIC_RELEASE);
    if (wanted) return true;
  }
}

std::uint32_t Ringbuf::order_of(std::span<const std::byte> record) noexcept {
  std::uint32_t order = 0;
  std::memcpy(&order, record.data() - sizeof order, sizeof order);
  return order;
}

std::byte* Ringbuf::lookup(const std::byte* /*key*/, unsigned /*cpu*/) noexcept { return nullptr; }
int Ringbuf::update(const std::byte* /*key*/, const std::byte* /*value*/, UpdateMode /*mode*/,
                    unsigned /*cpu*/) noexcept {
  return -kNotSupported;
}
int Ringbuf::erase(const std::byte* /*key*/) noexcept { return -kNotSupported; }
bool Ringbuf::next_key(const std::byte* /*key*/, std::byte* /*next*/) const { return false; }
int Ringbuf::read(const std::byte* /*key*/, std::byte* /*out*/) { return -kNotSupported; }

}  // namespace sluice::vm
