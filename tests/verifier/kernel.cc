#include "tests/verifier/kernel.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "vm/maps/map.h"

namespace sluice::testing_support {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

int bpf(bpf_cmd command, bpf_attr& attr) { return static_cast<int>(::syscall(SYS_bpf, command, &attr, sizeof attr)); }

std::uint64_t pointer(const void* p) { return reinterpret_cast<std::uint64_t>(p); }

// A map of the kernel's like `map`; a frozen one with its contents.
Fd create(vm::Map& map) {
  const vm::MapSpec& spec = map.spec();
  bpf_attr attr{};
  attr.map_type = static_cast<std::uint32_t>(spec.type);
  attr.key_size = spec.key_size;
  attr.value_size = spec.value_size;
  attr.max_entries = spec.max_entries == 0 ? 1 : spec.max_entries;
  attr.map_flags = spec.flags;
  if (map.frozen()) attr.map_flags |= BPF_F_RDONLY_PROG;
  Fd fd(bpf(BPF_MAP_CREATE, attr));
  if (fd.get() < 0 || !map.frozen()) return fd;
  const std::uint32_t zero = 0;
  bpf_attr update{};
  update.map_fd = static_cast<std::uint32_t>(fd.get());
  update.key = pointer(&zero);
  update.value = pointer(map.lookup(reinterpret_cast<const std::byte*>(&zero), 0));
  if (update.value != 0) bpf(BPF_MAP_UPDATE_ELEM, update);
  bpf_attr freeze{};
  freeze.map_fd = update.map_fd;
  bpf(BPF_MAP_FREEZE, freeze);
  return fd;
}

std::uint32_t attach_type(const vm::ProgramType& type) {
  if (type.name == vm::xdp_devmap_type().name) return BPF_XDP_DEVMAP;
  return type.name == vm::xdp_cpumap_type().name ? BPF_XDP_CPUMAP : BPF_XDP;
}

int load(const vm::LoadedProgram& program, const std::vector<vm::Insn>& insns, std::vector<char>& log) {
  bpf_attr attr{};
  attr.prog_type = BPF_PROG_TYPE_XDP;
  attr.expected_attach_type = attach_type(*program.type);
  attr.insns = pointer(insns.data());
  attr.insn_cnt = static_cast<std::uint32_t>(insns.size());
  attr.license = pointer("GPL");
  attr.prog_flags = program.frags ? BPF_F_XDP_HAS_FRAGS : 0U;
  if (!log.empty()) {
    attr.log_level = 1;
    attr.log_buf = pointer(log.data());
    attr.log_size = static_cast<std::uint32_t>(log.size());
  }
  return bpf(BPF_PROG_LOAD, attr);
}

}  // namespace

bool kernel_available(std::string& why) {
  std::vector<char> no_log;
  const vm::LoadedProgram program;
  const std::vector<vm::Insn> insns{{.opcode = 0xb7, .imm = 2}, {.opcode = 0x95}};
  const Fd fd(load(program, insns, no_log));
  if (fd.get() < 0) why = std::string("bpf(2) refuses to load any program here: ") + std::strerror(errno);
  return fd.get() >= 0;
}

KernelVerdict kernel_verdict(const vm::LoadedProgram& program) {
  std::vector<Fd> maps;
  for (const auto& map : program.maps) {
    maps.push_back(create(*map));
    if (maps.back().get() < 0) return {.error = errno, .log = "the kernel refuses the map " + map->spec().name};
  }
  std::vector<vm::Insn> insns = program.insns;
  for (std::size_t i = 0; i + 1 < insns.size(); ++i) {
    if (insns[i].opcode != 0x18) continue;
    if (insns[i].src == BPF_PSEUDO_MAP_FD || insns[i].src == BPF_PSEUDO_MAP_VALUE) {
      const auto index = static_cast<std::size_t>(insns[i].imm);
      insns[i].imm = index < maps.size() ? maps[index].get() : -1;
    }
    ++i;
  }
  std::vector<char> log;
  const Fd fd(load(program, insns, log));
  if (fd.get() >= 0) return {.accepted = true};
  const int error = errno;
  // Again for the reason; a log that is too small cuts itself and changes the error.
  log.resize(std::size_t{1} << 20);
  const Fd again(load(program, insns, log));
  std::string text(log.data());
  if (text.size() > 400) text.erase(0, text.size() - 400);
  return {.error = error, .log = text};
}

}  // namespace sluice::testing_support
