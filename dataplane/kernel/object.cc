#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include <fcntl.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include "dataplane/kernel/peer.h"

namespace sluice::kernel {
namespace {

constexpr std::size_t kLogBytes = std::size_t{1} << 24;
constexpr std::uint32_t kLogStatistics = 4;  // BPF_LOG_STATS, linux/bpf_verifier.h

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

// libbpf prints what it thinks on standard error; while this lives it does not.
class Silence {
 public:
  Silence() : before_(libbpf_set_print(nullptr)) {}
  ~Silence() { libbpf_set_print(before_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  libbpf_print_fn_t before_;
};

vm::MapSpec spec_of(const bpf_map* map) {
  vm::MapSpec spec;
  // bpf_map__name has libbpf's name of a data section ("object.rodata"); the section's is the one everyone else uses.
  const char* name = bpf_map__is_internal(map) ? std::strchr(bpf_map__name(map), '.') : nullptr;
  spec.name = name != nullptr ? name : bpf_map__name(map);
  spec.type = static_cast<vm::MapType>(bpf_map__type(map));
  spec.key_size = bpf_map__key_size(map);
  spec.value_size = bpf_map__value_size(map);
  spec.max_entries = bpf_map__max_entries(map);
  spec.flags = bpf_map__map_flags(map);
  return spec;
}

Error error(std::string message) { return {ErrorCode::kEnvironment, std::move(message)}; }

}  // namespace

struct Object::Impl {
  std::vector<char> log = std::vector<char>(kLogBytes);
  std::unique_ptr<bpf_object, CloseObject> object;
  std::string path;
  bool statistics = false;

  [[nodiscard]] bpf_map* find_map(std::string_view name) const {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object.get()) {
      if (spec_of(map).name == name) return map;
    }
    return nullptr;
  }
  [[nodiscard]] bpf_program* find_program(std::string_view name) const {
    return bpf_object__find_program_by_name(object.get(), std::string(name).c_str());
  }
};

Object::Object(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

Result<Object> Object::open(const std::string& path, std::span<const std::string> programs, const std::string& kconfig,
                            const std::string& types) {
  const Silence silence;
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  LIBBPF_OPTS(bpf_object_open_opts, options, .kconfig = kconfig.c_str(),
              .btf_custom_path = types.empty() ? nullptr : types.c_str(), .kernel_log_buf = impl->log.data(),
              .kernel_log_size = impl->log.size());
  impl->object.reset(bpf_object__open_file(path.c_str(), &options));
  if (!impl->object) return error(fmt::format("libbpf cannot open {}: {}", path, std::strerror(errno)));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, impl->object.get()) {
    const bool is_xdp = bpf_program__type(program) == BPF_PROG_TYPE_XDP;
    const bool is_named = programs.empty() || std::ranges::find(programs, bpf_program__name(program)) != programs.end();
    bpf_program__set_autoload(program, is_xdp && is_named);
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, impl->object.get()) bpf_map__set_pin_path(map, nullptr);  // leave nothing behind
  return Object(std::move(impl));
}

Result<void> Object::patch(std::string_view section, std::size_t offset, std::span<const std::byte> bytes) {
  bpf_map* map = impl_->find_map(section);
  std::size_t size = 0;
  const void* initial = map == nullptr ? nullptr : bpf_map__initial_value(map, &size);
  if (initial == nullptr || offset > size || bytes.size() > size - offset) {
    return error(
        fmt::format("{}: bytes {}..{} are not in section \"{}\"", impl_->path, offset, offset + bytes.size(), section));
  }
  std::vector<std::byte> contents(size);
  std::memcpy(contents.data(), initial, size);
  std::ranges::copy(bytes, contents.begin() + static_cast<std::ptrdiff_t>(offset));
  if (bpf_map__set_initial_value(map, contents.data(), size) != 0) {
    return error(fmt::format("{}: section \"{}\" cannot be patched: {}", impl_->path, section, std::strerror(errno)));
  }
  return {};
}

Result<void> Object::resize(std::string_view map, std::uint32_t max_entries) {
  bpf_map* found = impl_->find_map(map);
  if (found == nullptr || bpf_map__set_max_entries(found, max_entries) != 0) {
    return error(fmt::format("{}: map \"{}\" cannot be resized", impl_->path, map));
  }
  return {};
}

void Object::want_statistics() {
  impl_->statistics = true;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, impl_->object.get()) bpf_program__set_log_level(program, kLogStatistics);
}

Verdict Object::load() {
  const Silence silence;
  Verdict verdict;
  impl_->log[0] = '\0';
  verdict.accepted = bpf_object__load(impl_->object.get()) == 0;
  if (!verdict.accepted) {
    verdict.error = errno;
  }
  if (!verdict.accepted || impl_->statistics) verdict.log = impl_->log.data();
  return verdict;
}

Result<Fd> Object::program(std::string_view name) const {
  const bpf_program* program = impl_->find_program(name);
  const int number = program == nullptr ? -1 : bpf_program__fd(program);
  if (number < 0) return error(fmt::format("{}: program \"{}\" is not loaded", impl_->path, name));
  Fd own(fcntl(number, F_DUPFD_CLOEXEC, 0));
  if (!own) return error(fmt::format("{}: {}", impl_->path, std::strerror(errno)));
  return own;
}

std::vector<vm::Insn> Object::instructions(std::string_view name) const {
  const bpf_program* program = impl_->find_program(name);
  if (program == nullptr) return {};
  std::vector<vm::Insn> insns(bpf_program__insn_cnt(program));
  if (!insns.empty())
    std::memcpy(static_cast<void*>(insns.data()), bpf_program__insns(program), insns.size() * sizeof(vm::Insn));
  return insns;
}

std::vector<MapHandle> Object::maps() const {
  std::vector<MapHandle> found;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, impl_->object.get()) found.emplace_back(bpf_map__fd(map), spec_of(map));
  return found;
}

Result<MapHandle> Object::map(std::string_view name) const {
  const bpf_map* map = impl_->find_map(name);
  if (map == nullptr) return error(fmt::format("{}: no map \"{}\"", impl_->path, name));
  return MapHandle(bpf_map__fd(map), spec_of(map));
}

Result<VerifierStatistics> read_statistics(const std::string& log) {
  VerifierStatistics statistics;
  const auto number_after = [&](std::string_view words, std::uint64_t& number) {
    const std::size_t at = log.rfind(words);
    return at != std::string::npos && std::sscanf(log.c_str() + at + words.size(), "%" SCNu64, &number) == 1;
  };
  if (number_after("verification time ", statistics.microseconds) && number_after("processed ", statistics.processed) &&
      number_after("peak_states ", statistics.peak_states)) {
    return statistics;
  }
  return error("the kernel's log has no statistics: " + log);
}

}  // namespace sluice::kernel
