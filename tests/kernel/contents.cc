#include "tests/kernel/contents.h"

#include <algorithm>
#include <cstring>

#include "tests/support/kernel_perf.h"
#include "tests/support/kernel_ring.h"
#include "vm/maps/perf_event_array.h"
#include "vm/maps/ringbuf.h"

namespace sluice::kernel {
namespace {

using vm::MapType;

constexpr std::uint32_t kPerfBytes = 1U << 18;

bool is_queue(MapType type) { return type == MapType::kQueue || type == MapType::kStack; }

Bytes number(std::uint32_t value) {
  Bytes bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}
void append(Entries& entries, Bytes value) {
  entries.emplace_back(number(static_cast<std::uint32_t>(entries.size())), std::move(value));
}

// The value with what differs taken out: numbers of programs and maps are each side's own.
void reduce(MapType type, Bytes& value) {
  switch (type) {
    case MapType::kProgArray:
    case MapType::kArrayOfMaps:
    case MapType::kHashOfMaps: value = number(1); return;  // something is in the slot
    case MapType::kDevmap:
    case MapType::kDevmapHash:
    case MapType::kCpumap: {
      const bool program = std::any_of(value.begin() + 4, value.end(), [](std::byte b) { return b != std::byte{0}; });
      value.resize(4);
      value.push_back(static_cast<std::byte>(program));
      return;
    }
    default: return;
  }
}

class RingReader : public KernelReader {
 public:
  RingReader(int fd, std::size_t bytes) : ring_(fd, bytes) {}
  [[nodiscard]] bool works() const { return ring_.works(); }
  Entries take() override {
    Entries entries;
    Bytes record;
    while (ring_.consume(record)) append(entries, record);
    return entries;
  }

 private:
  testing_support::KernelRing ring_;
};

// A record of a ring of events, padded to 4 bytes less than a multiple of 8 in the kernel, which does not say by how
// many: the length with padding, and the bytes without the 7 that may be padding.
Bytes event(std::span<const std::byte> record) {
  const std::size_t padded = (record.size() + 4 + 7) / 8 * 8 - 4;
  const std::size_t sure = padded < 7 ? 0 : padded - 7;
  const auto length = static_cast<std::uint32_t>(padded);
  Bytes told(sizeof length + sure);
  std::memcpy(told.data(), &length, sizeof length);
  std::ranges::copy(record.first(sure), told.begin() + sizeof length);
  return told;
}
// Of no length that a record has.
Bytes lost(std::uint64_t records) {
  Bytes told(sizeof records, std::byte{0xff});
  std::memcpy(told.data(), &records, 7);
  return told;
}

class PerfReader : public KernelReader {
 public:
  explicit PerfReader(int map) : ring_(0, kPerfBytes) {
    const std::uint32_t key = 0;
    const int fd = ring_.fd();
    bpf_attr attributes{};
    attributes.map_fd = static_cast<std::uint32_t>(map);
    attributes.key = testing_support::address_of(&key);
    attributes.value = testing_support::address_of(&fd);
    attached_ = ring_.works() && testing_support::bpf(BPF_MAP_UPDATE_ELEM, attributes) == 0;
  }
  [[nodiscard]] bool works() const { return attached_; }
  Entries take() override {
    Entries entries;
    for (const testing_support::PerfRecord& record : ring_.drain()) {
      append(entries, record.lost != 0 ? lost(record.lost) : event(record.bytes));
    }
    return entries;
  }

 private:
  testing_support::KernelPerfRing ring_;
  bool attached_ = false;
};

Entries queued(const MapHandle& map, bool take) {
  Entries entries;
  Bytes value(map.spec().value_size);
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map.fd());
  attributes.value = testing_support::address_of(value.data());
  const bpf_cmd command = take ? BPF_MAP_LOOKUP_AND_DELETE_ELEM : BPF_MAP_LOOKUP_ELEM;
  while (testing_support::bpf(command, attributes) == 0) {
    append(entries, value);
    if (!take) break;
  }
  return entries;
}

Entries queued(vm::Queue& queue, bool take) {
  Entries entries;
  Bytes value(queue.spec().value_size);
  while ((take ? queue.pop(value.data()) : queue.peek(value.data())) == 0) {
    append(entries, value);
    if (!take) break;
  }
  return entries;
}

Entries recorded(vm::Map& map) {
  Entries entries;
  if (auto* const ring = dynamic_cast<vm::Ringbuf*>(&map)) {
    const auto see = [](void* to, std::span<const std::byte> record) {
      append(*static_cast<Entries*>(to), {record.begin(), record.end()});
    };
    while (ring->consume(see, &entries)) continue;
  }
  auto* const events = dynamic_cast<vm::PerfEventArray*>(&map);
  if (events == nullptr || events->ring(0) == nullptr) return entries;
  const auto see = [](void* to, const vm::PerfRing::Record& record) {
    append(*static_cast<Entries*>(to), record.lost != 0 ? lost(record.lost) : event(record.bytes));
  };
  while (events->ring(0)->consume(see, &entries)) continue;
  return entries;
}

}  // namespace

bool is_readable(MapType type) { return type != MapType::kXskmap && type != MapType::kBloomFilter; }

bool has_keys(MapType type) {
  return is_readable(type) && !is_queue(type) && type != MapType::kRingbuf && type != MapType::kPerfEventArray;
}

Result<std::unique_ptr<KernelReader>> read_records_of(const MapHandle& map) {
  if (map.spec().type == MapType::kRingbuf) {
    auto reader = std::make_unique<RingReader>(map.fd(), map.spec().max_entries);
    if (!reader->works()) return Error{ErrorCode::kEnvironment, "the kernel's ring cannot be read"};
    return std::unique_ptr<KernelReader>(std::move(reader));
  }
  if (map.spec().type == MapType::kPerfEventArray) {
    auto reader = std::make_unique<PerfReader>(map.fd());
    if (!reader->works()) return Error{ErrorCode::kEnvironment, "the kernel's array of events takes no reader"};
    return std::unique_ptr<KernelReader>(std::move(reader));
  }
  return std::unique_ptr<KernelReader>();
}

Result<void> read_records_of(vm::Map& map) {
  auto* const events = dynamic_cast<vm::PerfEventArray*>(&map);
  if (events == nullptr || events->open(0, kPerfBytes) == 0) return {};
  return Error{ErrorCode::kEnvironment, "no ring for events of " + map.spec().name};
}

Entries entries_of(const MapHandle& map, KernelReader* reader, bool take) {
  const MapType type = map.spec().type;
  if (is_queue(type)) return queued(map, take);
  if (reader != nullptr) return take ? reader->take() : Entries{};
  Entries entries;
  for (MapHandle::Entry& entry : map.dump()) {
    reduce(type, entry.value);
    entries.emplace_back(std::move(entry.key), std::move(entry.value));
  }
  return entries;
}

Entries entries_of(vm::Map& map, bool take) {
  const vm::MapSpec& spec = map.spec();
  if (is_queue(spec.type)) return queued(dynamic_cast<vm::Queue&>(map), take);
  if (!has_keys(spec.type)) return take ? recorded(map) : Entries{};
  Entries entries;
  Bytes key(spec.key_size);
  Bytes next(spec.key_size);
  for (bool more = map.next_key(nullptr, next.data()); more; more = map.next_key(key.data(), next.data())) {
    key = next;
    Bytes value(map.transfer_size());
    if (map.read(key.data(), value.data()) != 0) continue;
    reduce(spec.type, value);
    entries.emplace_back(key, std::move(value));
  }
  std::ranges::sort(entries);
  return entries;
}

}  // namespace sluice::kernel
