#pragma once
// The reader's side of a BPF_MAP_TYPE_RINGBUF of the kernel, as libbpf's ring_buffer has it: one page with the reader's
// position, one with the writers', then the data twice.
#include <linux/bpf.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sluice::testing_support {

class KernelRing {
 public:
  // Of the map `fd` of `bytes`; the map outlives this.
  KernelRing(int fd, std::size_t bytes) : bytes_(bytes) {
    consumer_ = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    producer_ = mmap(nullptr, kPage + 2 * bytes, PROT_READ, MAP_SHARED, fd, kPage);
  }
  KernelRing(KernelRing&& other) noexcept
      : bytes_(other.bytes_),
        consumer_(std::exchange(other.consumer_, MAP_FAILED)),
        producer_(std::exchange(other.producer_, MAP_FAILED)) {}
  KernelRing& operator=(KernelRing&&) = delete;
  ~KernelRing() {
    if (consumer_ != MAP_FAILED) munmap(consumer_, kPage);
    if (producer_ != MAP_FAILED) munmap(producer_, kPage + 2 * bytes_);
  }
  [[nodiscard]] bool works() const { return consumer_ != MAP_FAILED && producer_ != MAP_FAILED; }

  // Takes the next record that is complete, passing over discarded ones; false: there is none.
  bool consume(std::vector<std::byte>& record) {
    auto* const position = static_cast<std::uint64_t*>(consumer_);
    for (;;) {
      const std::uint64_t end = __atomic_load_n(static_cast<const std::uint64_t*>(producer_), __ATOMIC_ACQUIRE);
      if (*position >= end) return false;
      const std::byte* const at = static_cast<const std::byte*>(producer_) + kPage + (*position & (bytes_ - 1));
      const std::uint32_t length = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(at), __ATOMIC_ACQUIRE);
      if ((length & BPF_RINGBUF_BUSY_BIT) != 0) return false;
      const std::uint32_t size = length & ~std::uint32_t{BPF_RINGBUF_DISCARD_BIT};
      const bool wanted = (length & BPF_RINGBUF_DISCARD_BIT) == 0;
      if (wanted) record.assign(at + BPF_RINGBUF_HDR_SZ, at + BPF_RINGBUF_HDR_SZ + size);
      __atomic_store_n(position, *position + (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8, __ATOMIC_RELEASE);
      if (wanted) return true;
    }
  }

 private:
  static constexpr std::size_t kPage = 4096;
  std::size_t bytes_;
  void* consumer_ = MAP_FAILED;
  void* producer_ = MAP_FAILED;
};

}  // namespace sluice::testing_support
