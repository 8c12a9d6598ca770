#pragma once
// The kernel's ring of perf events of one CPU, as libbpf's perf_buffer opens it: what bpf_perf_event_output writes.
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <string>

#include "tests/support/bpf_syscall.h"

namespace sluice::testing_support {

// What a reader of such a ring is given; `lost` records have no bytes.
struct PerfRecord {
  std::vector<std::byte> bytes;  // padded: 4 less than a multiple of 8
  std::uint64_t lost = 0;
};

// The thread runs on the first CPU while this lives.
class OnFirstCpu {
 public:
  OnFirstCpu() {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    pinned_ = sched_setaffinity(0, sizeof first, &first) == 0;
  }
  ~OnFirstCpu() { sched_setaffinity(0, sizeof before_, &before_); }
  OnFirstCpu(const OnFirstCpu&) = delete;
  OnFirstCpu& operator=(const OnFirstCpu&) = delete;
  [[nodiscard]] bool pinned() const { return pinned_; }

 private:
  cpu_set_t before_{};
  bool pinned_ = false;
};

class KernelPerfRing {
 public:
  // Of CPU `cpu`, `bytes` of it: a power of two and whole pages.
  KernelPerfRing(int cpu, std::size_t bytes) : bytes_(bytes) {
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.size = sizeof attributes;
    attributes.config = PERF_COUNT_SW_BPF_OUTPUT;
    attributes.sample_type = PERF_SAMPLE_RAW;
    attributes.sample_period = 1;
    attributes.wakeup_events = 1;
    fd_ = Descriptor(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
    if (fd_.get() < 0) return;
    start_ = mmap(nullptr, kPage + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (works()) ioctl(fd_.get(), PERF_EVENT_IOC_ENABLE, 0);
  }
  ~KernelPerfRing() {
    if (works()) munmap(start_, kPage + bytes_);
  }
  KernelPerfRing(const KernelPerfRing&) = delete;
  KernelPerfRing& operator=(const KernelPerfRing&) = delete;

  [[nodiscard]] bool works() const { return start_ != MAP_FAILED; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  // All records there are; the ring is empty afterwards.
  std::vector<PerfRecord> drain() {
    auto* const page = static_cast<perf_event_mmap_page*>(start_);
    const std::uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
    std::uint64_t tail = page->data_tail;
    std::vector<PerfRecord> records;
    while (tail < head) {
      perf_event_header header{};
      copy(tail, &header, sizeof header);
      PerfRecord record;
      if (header.type == PERF_RECORD_LOST) {
        copy(tail + sizeof header + 8, &record.lost, 8);
      } else {
        std::uint32_t raw = 0;
        copy(tail + sizeof header, &raw, sizeof raw);
        record.bytes.resize(raw);
        copy(tail + sizeof header + sizeof raw, record.bytes.data(), raw);
      }
      records.push_back(std::move(record));
      tail += header.size;
    }
    __atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
    return records;
  }

 private:
  static constexpr std::size_t kPage = 4096;

  void copy(std::uint64_t from, void* to, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      static_cast<std::byte*>(to)[i] = (static_cast<const std::byte*>(start_) + kPage)[(from + i) % bytes_];
    }
  }

  std::size_t bytes_;
  Descriptor fd_;
  void* start_ = MAP_FAILED;
};

}  // namespace sluice::testing_support
