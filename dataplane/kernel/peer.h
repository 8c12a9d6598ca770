#pragma once
// The running Linux kernel as peer, through bpf(2): it verifies and runs the same programs on the same frames and maps,
// and we compare. Needs root or CAP_BPF with CAP_NET_ADMIN. Nothing is pinned: all is gone with the objects here.
// Control path, one thread.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataplane/kernel/fd.h"
#include "vm/elf.h"
#include "vm/maps/map.h"
#include "vm/program.h"

namespace sluice::kernel {

// Why this process cannot load programs into the kernel; empty when it can.
std::string unavailable();
// CPUs the kernel keeps per-CPU values for, at least 1.
unsigned possible_cpus();

// What the kernel's verifier said.
struct Verdict {
  bool accepted = false;
  int error = 0;    // errno of a refusal
  std::string log;  // of a refusal; the failing instruction is at its end. After Object::want_statistics also of others
};

// The numbers in the log of a load with Object::want_statistics.
struct VerifierStatistics {
  std::uint64_t microseconds = 0;  // what the kernel calls its verification time, see bench/verifier.cc
  std::uint64_t processed = 0;     // instructions walked, over all paths
  std::uint64_t peak_states = 0;
};
// Error kEnvironment when the log has none.
Result<VerifierStatistics> read_statistics(const std::string& log);

struct RunInput {
  std::span<const std::byte> data;  // metadata, then the frame, which has at least 14 bytes
  std::uint32_t metadata = 0;       // how much of it is metadata: a multiple of 4, at most 32
  std::uint32_t repeat = 1;         // repeating does not reset the frame
};
struct RunOutput {
  std::uint32_t retval = 0;
  std::vector<std::byte> data;    // metadata, then the frame
  std::uint32_t metadata = 0;     // bytes of metadata at the start of `data`
  std::uint32_t duration_ns = 0;  // mean of the repetitions
};
// BPF_PROG_TEST_RUN of an XDP program; the ingress interface is `lo` (1), queue 0.
Result<RunOutput> run(const Fd& program, const RunInput& input);

// --- maps, by what bpf(2) moves: per-CPU values are possible_cpus() values, each rounded up to 8 bytes ---
class MapHandle {
 public:
  MapHandle() = default;
  MapHandle(int fd, vm::MapSpec spec) : fd_(fd), spec_(std::move(spec)) {}  // does not own the descriptor
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] const vm::MapSpec& spec() const noexcept { return spec_; }
  // Bytes of one value.
  [[nodiscard]] std::size_t transfer_size() const;
  // 0 or -errno. `value` has transfer_size() bytes.
  int update(std::span<const std::byte> key, std::span<const std::byte> value, std::uint64_t flags = 0) const;
  int erase(std::span<const std::byte> key) const;
  int read(std::span<const std::byte> key, std::span<std::byte> value) const;
  // Puts a program into a prog array.
  int set_program(std::uint32_t index, const Fd& program) const;
  struct Entry {
    std::vector<std::byte> key, value;
  };
  // All entries by ascending key bytes.
  [[nodiscard]] std::vector<Entry> dump() const;

 private:
  // All entries of an array by one system call; false where the kernel cannot.
  bool dump_batch(std::vector<Entry>& entries) const;

  int fd_ = -1;
  vm::MapSpec spec_;
};

// --- an object, loaded by libbpf ---
class Object {
 public:
  // Opens the file; only the XDP programs named are loaded, all of them when `programs` is empty. `kconfig`: lines
  // `CONFIG_NAME=value` that go before the running kernel's own. `types`: a file to relocate against instead of the
  // running kernel's types.
  static Result<Object> open(const std::string& path, std::span<const std::string> programs = {},
                             const std::string& kconfig = {}, const std::string& types = {});
  Object(Object&&) noexcept;
  Object& operator=(Object&&) noexcept;
  ~Object();

  // Before load: bytes of a data section (".rodata", ".data", ".bss", ...) from `offset` on.
  Result<void> patch(std::string_view section, std::size_t offset, std::span<const std::byte> bytes);
  // Before load: capacity of a map.
  Result<void> resize(std::string_view map, std::uint32_t max_entries);
  // Before load: the verifier writes its statistics into the log, and nothing else.
  void want_statistics();
  Verdict load();

  // After load. The program, a descriptor of its own; and the instructions as the kernel got them.
  [[nodiscard]] Result<Fd> program(std::string_view name) const;
  [[nodiscard]] std::vector<vm::Insn> instructions(std::string_view name) const;
  // After load. Maps live as long as the object. Data sections go by their section's name.
  [[nodiscard]] std::vector<MapHandle> maps() const;
  [[nodiscard]] Result<MapHandle> map(std::string_view name) const;

 private:
  struct Impl;
  explicit Object(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// --- instructions, without libbpf ---
// After this only programs change the map.
Result<void> freeze(int map);
// A map like `spec`.
Result<Fd> create_map(const vm::MapSpec& spec);
// Maps in the order of `object.maps`, data sections filled and read-only ones frozen, maps of maps with what is inside.
Result<std::vector<Fd>> create_maps(const vm::ElfObject& object);

struct RawProgram {
  Verdict verdict;
  Fd fd;  // none when refused
};
// Loads a program as type XDP whose map references index `maps`.
RawProgram load_instructions(const vm::LoadedProgram& program, std::span<const Fd> maps);

}  // namespace sluice::kernel
