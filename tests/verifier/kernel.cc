#include "tests/verifier/kernel.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "vm/maps/map.h"

namespace sluice::testing_support {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

int bpf(bpf_cmd command, bpf_attr& attr) { return static_cast<int>(::syscall(SYS_bpf, command, &attr, sizeof attr)); }

std::uint64_t pointer(const void* p) { return reinterpret_cast<std::uint64_t>(p); }

// What tells the kernel of the lock and the timer in a value: a struct that has them and is as large.
struct ValueTypes {
  Fd fd{-1};
  std::uint32_t key = 0, value = 0;
};
ValueTypes describe_value(const vm::MapSpec& spec) {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__new_empty(), btf__free);
  ValueTypes made;
  made.key = static_cast<std::uint32_t>(btf__add_int(types.get(), "key", spec.key_size, 0));
  const int number = btf__add_int(types.get(), "unsigned int", 4, 0);
  const int lock = btf__add_struct(types.get(), "bpf_spin_lock", vm::SpecialFields::kLockBytes);
  btf__add_field(types.get(), "val", number, 0, 0);
  const int half = btf__add_int(types.get(), "unsigned long long", 8, 0);
  const int timer = btf__add_struct(types.get(), "bpf_timer", vm::SpecialFields::kTimerBytes);
  btf__add_field(types.get(), "low", half, 0, 0);
  btf__add_field(types.get(), "high", half, 64, 0);
  made.value = static_cast<std::uint32_t>(btf__add_struct(types.get(), "value", spec.value_size));
  struct Member {
    const char* name;
    int type;
    std::int32_t offset;
  };
  std::array<Member, 2> members{{{"lock", lock, spec.special.lock}, {"timer", timer, spec.special.timer}}};
  std::ranges::sort(members, {}, &Member::offset);
  for (const Member& one : members) {
    if (one.offset >= 0) btf__add_field(types.get(), one.name, one.type, static_cast<std::uint32_t>(one.offset) * 8, 0);
  }
  std::uint32_t size = 0;
  const void* const bytes = btf__raw_data(types.get(), &size);
  bpf_attr attr{};
  attr.btf = pointer(bytes);
  attr.btf_size = size;
  made.fd = Fd(bpf(BPF_BTF_LOAD, attr));
  return made;
}

// A map of the kernel's of that kind.
Fd create(const vm::MapSpec& spec, bool read_only) {
  const Fd inner = spec.inner != nullptr ? create(*spec.inner, false) : Fd(-1);
  bpf_attr attr{};
  if (inner.get() >= 0) attr.inner_map_fd = static_cast<std::uint32_t>(inner.get());
  attr.map_type = static_cast<std::uint32_t>(spec.type);
  attr.key_size = spec.key_size;
  attr.value_size = spec.value_size;
  attr.max_entries = spec.max_entries == 0 ? 1 : spec.max_entries;
  attr.map_flags = spec.flags;
  // What the kernel gives maps of devices itself, it takes from nobody.
  if (spec.type == vm::MapType::kDevmap || spec.type == vm::MapType::kDevmapHash) attr.map_flags &= ~BPF_F_RDONLY_PROG;
  if (read_only) attr.map_flags |= BPF_F_RDONLY_PROG;
  ValueTypes types;
  if (spec.special.any()) {
    types = describe_value(spec);
    attr.btf_fd = static_cast<std::uint32_t>(types.fd.get());
    attr.btf_key_type_id = types.key;
    attr.btf_value_type_id = types.value;
  }
  return Fd(bpf(BPF_MAP_CREATE, attr));
}

// A map of the kernel's like `map`; a frozen one with its contents.
Fd create(vm::Map& map) {
  Fd fd = create(map.spec(), map.frozen());
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

// The least BTF there can be: an int and functions that return it. The kernel wants one of programs with tail calls in
// sub-programs, and of those that take the address of a function.
constexpr std::uint32_t kStaticFunction = 3, kGlobalFunction = 4;  // ids of the functions below
Fd least_btf() {
  static constexpr char kStrings[] = "\0int\0program";
  constexpr std::uint32_t kInt = std::uint32_t{BTF_KIND_INT} << 24;
  constexpr std::uint32_t kProto = std::uint32_t{BTF_KIND_FUNC_PROTO} << 24;
  constexpr std::uint32_t kFunction = std::uint32_t{BTF_KIND_FUNC} << 24;
  const std::array<std::uint32_t, 13> types{1, kInt,
                                            4, std::uint32_t{BTF_INT_SIGNED} << 24 | 32,  // 1: int
                                            0, kProto,
                                            1,  // 2: int ()
                                            5, kFunction,
                                            2,  // 3: program
                                            5, kFunction | BTF_FUNC_GLOBAL,
                                            2};  // 4: the same
  btf_header header{};
  header.magic = BTF_MAGIC;
  header.version = BTF_VERSION;
  header.hdr_len = sizeof header;
  header.type_len = sizeof types;
  header.str_off = sizeof types;
  header.str_len = sizeof kStrings;
  std::array<std::byte, sizeof header + sizeof types + sizeof kStrings> bytes;
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, types.data(), sizeof types);
  std::memcpy(bytes.data() + sizeof header + sizeof types, kStrings, sizeof kStrings);
  bpf_attr attr{};
  attr.btf = pointer(bytes.data());
  attr.btf_size = sizeof bytes;
  return Fd(bpf(BPF_BTF_LOAD, attr));
}

bool tail_calls_with_sub_programs(const vm::LoadedProgram& program) {
  constexpr std::uint8_t kCall = BPF_JMP | BPF_CALL;
  return program.subprograms.size() > 1 && std::ranges::any_of(program.insns, [](const vm::Insn& insn) {
           return insn.opcode == kCall && insn.src == 0 && insn.imm == BPF_FUNC_tail_call;
         });
}

// Starts of the functions whose address is taken.
std::vector<std::uint32_t> called_back(const vm::LoadedProgram& program) {
  std::vector<std::uint32_t> starts;
  for (std::uint32_t slot = 0; slot < program.insns.size(); ++slot) {
    const vm::Insn& insn = program.insns[slot];
    if (insn.opcode != (BPF_LD | BPF_IMM | BPF_DW)) continue;
    if (insn.src == BPF_PSEUDO_FUNC) starts.push_back(slot + 1 + static_cast<std::uint32_t>(insn.imm));
    ++slot;
  }
  return starts;
}

int load(const vm::LoadedProgram& program, const std::vector<vm::Insn>& insns, std::vector<char>& log) {
  bpf_attr attr{};
  attr.prog_type = BPF_PROG_TYPE_XDP;
  attr.expected_attach_type = attach_type(*program.type);
  attr.insns = pointer(insns.data());
  attr.insn_cnt = static_cast<std::uint32_t>(insns.size());
  attr.license = pointer("GPL");
  attr.prog_flags = program.frags ? BPF_F_XDP_HAS_FRAGS : 0U;
  Fd btf(-1);
  std::vector<bpf_func_info> functions;
  const std::vector<std::uint32_t> bodies = called_back(program);
  if (tail_calls_with_sub_programs(program) || !bodies.empty()) {
    btf = least_btf();
    // Global ones would be judged by their arguments, which are not told here.
    for (const vm::Subprogram& one : program.subprograms) {
      const bool global = one.is_global && std::ranges::count(bodies, one.start) > 0;
      functions.push_back({one.start, global ? kGlobalFunction : kStaticFunction});
    }
    attr.prog_btf_fd = static_cast<std::uint32_t>(btf.get());
    attr.func_info_rec_size = sizeof(bpf_func_info);
    attr.func_info = pointer(functions.data());
    attr.func_info_cnt = static_cast<std::uint32_t>(functions.size());
  }
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

int kernel_map(vm::Map& map) { return create(map).release(); }

int kernel_load(const vm::LoadedProgram& program, std::span<const int> maps, std::vector<char>& log) {
  std::vector<vm::Insn> insns = program.insns;
  for (std::size_t i = 0; i + 1 < insns.size(); ++i) {
    if (insns[i].opcode != 0x18) continue;
    if (insns[i].src == BPF_PSEUDO_MAP_FD || insns[i].src == BPF_PSEUDO_MAP_VALUE) {
      const auto index = static_cast<std::size_t>(insns[i].imm);
      insns[i].imm = index < maps.size() ? maps[index] : -1;
    }
    ++i;
  }
  return load(program, insns, log);
}

namespace {

constexpr std::size_t kLogBytes = std::size_t{1} << 20;

std::string end_of(const std::vector<char>& log) {
  std::string text(log.data());
  if (text.size() > 400) text.erase(0, text.size() - 400);
  return text;
}

// A global function is judged by its types, which only the object has.
bool needs_object(const vm::LoadedProgram& program) {
  return !program.object.empty() && std::ranges::any_of(program.subprograms.begin() + !program.subprograms.empty(),
                                                        program.subprograms.end(), &vm::Subprogram::is_global);
}

KernelVerdict object_verdict(const std::string& path) {
  const libbpf_print_fn_t loud = libbpf_set_print(nullptr);
  std::vector<char> log(kLogBytes);
  KernelVerdict verdict{.error = EINVAL, .log = "libbpf does not open " + path};
  if (bpf_object* const object = bpf_object__open_file(path.c_str(), nullptr)) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) bpf_program__set_log_buf(program, log.data(), log.size());
    const int error = bpf_object__load(object);
    verdict = {.accepted = error == 0, .error = -error, .log = end_of(log)};
    bpf_object__close(object);
  }
  libbpf_set_print(loud);
  return verdict;
}

}  // namespace

KernelVerdict kernel_verdict(const vm::LoadedProgram& program) {
  if (needs_object(program)) return object_verdict(program.object);
  std::vector<Fd> maps;
  std::vector<int> numbers;
  for (const auto& map : program.maps) {
    maps.push_back(create(*map));
    if (maps.back().get() < 0) return {.error = errno, .log = "the kernel refuses the map " + map->spec().name};
    numbers.push_back(maps.back().get());
  }
  std::vector<char> log;
  const Fd fd(kernel_load(program, numbers, log));
  if (fd.get() >= 0) return {.accepted = true};
  const int error = errno;
  // Again for the reason; a log that is too small cuts itself and changes the error.
  log.resize(kLogBytes);
  const Fd again(kernel_load(program, numbers, log));
  return {.error = error, .log = end_of(log)};
}

}  // namespace sluice::testing_support
