#pragma once
// The running kernel as the oracle of unit tests: bpf(2) in a few calls, without libbpf. Errors are -errno. Tests that
// use it begin with SLUICE_NEEDS_BPF(), which skips loudly where bpf(2) is not permitted.
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::testing_support {

inline int bpf(bpf_cmd command, bpf_attr& attributes) {
  const long result = syscall(SYS_bpf, command, &attributes, sizeof attributes);
  return result < 0 ? -errno : static_cast<int>(result);
}

inline std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }  // negative = -errno of what made it

 private:
  int fd_;
};

// CPUs the kernel has per-CPU values for: one more than the last number of the list "0-3" or "0".
inline unsigned kernel_cpus() {
  unsigned last = 0;
  std::ifstream file("/sys/devices/system/cpu/possible");
  for (char separator = '-'; file && separator != '\n'; file.get(separator)) file >> last;
  return last + 1;
}

class KernelMap {
 public:
  KernelMap(std::uint32_t type, std::uint32_t key_size, std::uint32_t value_size, std::uint32_t max_entries,
            std::uint32_t flags, int inner_fd = 0, std::uint64_t extra = 0)
      : fd_(create(type, key_size, value_size, max_entries, flags, inner_fd, extra)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }  // negative = why there is none

  int lookup(const void* key, void* value) const { return element(BPF_MAP_LOOKUP_ELEM, key, value, 0); }
  int update(const void* key, const void* value, std::uint64_t flags) const {
    return element(BPF_MAP_UPDATE_ELEM, key, value, flags);
  }
  int erase(const void* key) const { return element(BPF_MAP_DELETE_ELEM, key, nullptr, 0); }
  // Reads a value that leaves the map.
  int take(const void* key, void* value) const { return element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, value, 0); }
  int next_key(const void* key, void* next) const { return element(BPF_MAP_GET_NEXT_KEY, key, next, 0); }
  int freeze() const { return element(BPF_MAP_FREEZE, nullptr, nullptr, 0); }

 private:
  static int create(std::uint32_t type, std::uint32_t key_size, std::uint32_t value_size, std::uint32_t max_entries,
                    std::uint32_t flags, int inner_fd, std::uint64_t extra) {
    bpf_attr attributes{};
    attributes.map_extra = extra;
    attributes.inner_map_fd = static_cast<std::uint32_t>(inner_fd);
    attributes.map_type = type;
    attributes.key_size = key_size;
    attributes.value_size = value_size;
    attributes.max_entries = max_entries;
    attributes.map_flags = flags;
    return bpf(BPF_MAP_CREATE, attributes);
  }
  int element(bpf_cmd command, const void* key, const void* value, std::uint64_t flags) const {
    bpf_attr attributes{};
    attributes.map_fd = static_cast<std::uint32_t>(fd_.get());
    attributes.key = address_of(key);
    attributes.value = address_of(value);
    attributes.flags = flags;
    return bpf(command, attributes);
  }
  Descriptor fd_;
};

struct KernelRun {
  int error = 0;  // 0 or -errno of BPF_PROG_TEST_RUN
  std::uint32_t retval = 0;
  std::vector<std::byte> data;  // metadata included
  std::uint32_t data_meta = 0;  // bytes of metadata at the start of `data`
};

class KernelProgram {
 public:
  // `insns` are 8-byte slots with map descriptors filled in.
  KernelProgram(const void* insns, std::size_t slots, bool frags = false) : fd_(load(insns, slots, frags)) {}
  explicit KernelProgram(int fd) : fd_(fd) {}  // loaded by others; closed here
  [[nodiscard]] int fd() const { return fd_.get(); }

  // One run on `frame`; `meta` of its first bytes are metadata.
  [[nodiscard]] KernelRun run(std::span<const std::byte> frame, std::uint32_t meta = 0) const {
    KernelRun result;
    result.data.resize(frame.size() + 65536);
    xdp_md context{};
    context.data = meta;
    context.data_end = static_cast<std::uint32_t>(frame.size());
    xdp_md context_out{};
    bpf_attr attributes{};
    attributes.test.prog_fd = static_cast<std::uint32_t>(fd_.get());
    attributes.test.data_in = address_of(frame.data());
    attributes.test.data_size_in = static_cast<std::uint32_t>(frame.size());
    attributes.test.data_out = address_of(result.data.data());
    attributes.test.data_size_out = static_cast<std::uint32_t>(result.data.size());
    attributes.test.ctx_in = address_of(&context);
    attributes.test.ctx_size_in = sizeof context;
    attributes.test.ctx_out = address_of(&context_out);
    attributes.test.ctx_size_out = sizeof context_out;
    attributes.test.repeat = 1;
    result.error = bpf(BPF_PROG_TEST_RUN, attributes);
    result.retval = attributes.test.retval;
    result.data.resize(result.error == 0 ? attributes.test.data_size_out : 0);
    result.data_meta = context_out.data;
    return result;
  }

 private:
  static int load(const void* insns, std::size_t slots, bool frags) {
    static const char license[] = "GPL";
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.insns = address_of(insns);
    attributes.insn_cnt = static_cast<std::uint32_t>(slots);
    attributes.license = address_of(license);
    attributes.prog_flags = frags ? (1U << 5) : 0;  // BPF_F_XDP_HAS_FRAGS
    return bpf(BPF_PROG_LOAD, attributes);
  }
  Descriptor fd_;
};

inline bool bpf_permitted() { return KernelMap(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0).fd() >= 0; }

}  // namespace sluice::testing_support

#define SLUICE_NEEDS_BPF()                                     \
  if (!::sluice::testing_support::bpf_permitted())             \
  GTEST_SKIP() << "bpf(2) is not permitted here: nothing was " \
                  "compared"
