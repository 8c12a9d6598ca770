#include <algorithm>
#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include "dataplane/kernel/peer.h"

namespace sluice::kernel {
namespace {

bool is_percpu(vm::MapType type) {
  return type == vm::MapType::kPercpuArray || type == vm::MapType::kPercpuHash || type == vm::MapType::kLruPercpuHash;
}

int status(int result) { return result < 0 ? -errno : 0; }

}  // namespace

std::size_t MapHandle::transfer_size() const {
  if (!is_percpu(spec_.type)) return spec_.value_size;
  return std::size_t{possible_cpus()} * ((spec_.value_size + 7) & ~7U);
}

int MapHandle::update(std::span<const std::byte> key, std::span<const std::byte> value, std::uint64_t flags) const {
  if (key.size() != spec_.key_size || value.size() != transfer_size()) return -EINVAL;
  return status(bpf_map_update_elem(fd_, key.data(), value.data(), flags));
}

int MapHandle::erase(std::span<const std::byte> key) const {
  if (key.size() != spec_.key_size) return -EINVAL;
  return status(bpf_map_delete_elem(fd_, key.data()));
}

int MapHandle::read(std::span<const std::byte> key, std::span<std::byte> value) const {
  if (key.size() != spec_.key_size || value.size() != transfer_size()) return -EINVAL;
  return status(bpf_map_lookup_elem(fd_, key.data(), value.data()));
}

int MapHandle::set_program(std::uint32_t index, const Fd& program) const {
  const int number = program.get();
  return status(bpf_map_update_elem(fd_, &index, &number, 0));
}

bool MapHandle::dump_batch(std::vector<Entry>& entries) const {
  std::uint32_t count = spec_.max_entries;
  std::uint64_t position = 0;
  std::vector<std::byte> keys(std::size_t{count} * spec_.key_size);
  std::vector<std::byte> values(count * transfer_size());
  // At the end of the array ENOENT comes with the entries.
  if (bpf_map_lookup_batch(fd_, nullptr, &position, keys.data(), values.data(), &count, nullptr) != 0 &&
      errno != ENOENT) {
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = std::span(keys).subspan(i * spec_.key_size, spec_.key_size);
    const auto value = std::span(values).subspan(i * transfer_size(), transfer_size());
    entries.push_back({{key.begin(), key.end()}, {value.begin(), value.end()}});
  }
  return true;
}

std::vector<MapHandle::Entry> MapHandle::dump() const {
  std::vector<Entry> entries;
  const bool is_array = spec_.type == vm::MapType::kArray || spec_.type == vm::MapType::kPercpuArray;
  if (is_array && dump_batch(entries)) {
    std::ranges::sort(entries, {}, &Entry::key);
    return entries;
  }
  std::vector<std::byte> key(spec_.key_size);
  std::vector<std::byte> value(transfer_size());
  const void* previous = nullptr;
  std::vector<std::byte> next(spec_.key_size);
  while (bpf_map_get_next_key(fd_, previous, next.data()) == 0) {
    key = next;
    previous = key.data();
    if (read(key, value) == 0) entries.push_back({key, value});
  }
  std::ranges::sort(entries, {}, &Entry::key);
  return entries;
}

Result<void> freeze(int map) {
  if (bpf_map_freeze(map) == 0) return {};
  return Error{ErrorCode::kEnvironment, fmt::format("kernel: a map cannot be frozen: {}", std::strerror(errno))};
}

Result<Fd> create_map(const vm::MapSpec& spec) {
  Fd inner;  // the kernel looks what it is like and lets go of it
  if (spec.inner != nullptr) {
    auto made = create_map(*spec.inner);
    if (!made) return std::move(made).error();
    inner = std::move(*made);
  }
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = spec.flags, .map_extra = spec.extra);
  if (inner) options.inner_map_fd = static_cast<__u32>(inner.get());
  std::string name;
  for (const char c : spec.name.substr(0, 15)) {  // BPF_OBJ_NAME_LEN, and only these characters
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' ? c : '_';
  }
  Fd fd(bpf_map_create(static_cast<bpf_map_type>(spec.type), name.c_str(), spec.key_size, spec.value_size,
                       spec.max_entries, &options));
  if (!fd) {
    return Error{ErrorCode::kEnvironment, fmt::format("kernel: map \"{}\": {}", spec.name, std::strerror(errno))};
  }
  return fd;
}

Result<std::vector<Fd>> create_maps(const vm::ElfObject& object) {
  std::vector<Fd> maps;
  for (const vm::MapDecl& declaration : object.maps) {
    vm::MapSpec spec = declaration.spec;
    if (spec.max_entries == 0 && !vm::leaves_size_open(spec)) spec.max_entries = possible_cpus();
    auto fd = create_map(spec);
    if (!fd) return std::move(fd).error();
    const std::uint32_t zero = 0;
    const bool is_data = declaration.origin != vm::MapDecl::Origin::kDeclared;
    const bool failed = (is_data && bpf_map_update_elem(fd->get(), &zero, declaration.initial.data(), 0) != 0) ||
                        (declaration.origin == vm::MapDecl::Origin::kRodata && bpf_map_freeze(fd->get()) != 0);
    if (failed) {
      return Error{ErrorCode::kEnvironment,
                   fmt::format("kernel: map \"{}\" cannot be filled: {}", declaration.spec.name, std::strerror(errno))};
    }
    maps.push_back(std::move(*fd));
  }
  for (std::size_t i = 0; i < maps.size(); ++i) {
    for (const vm::MapDecl::Inner& inner : object.maps[i].inner) {
      const int fd = maps[inner.map].get();
      if (bpf_map_update_elem(maps[i].get(), &inner.key, &fd, 0) == 0) continue;
      return Error{ErrorCode::kEnvironment,
                   fmt::format("kernel: map \"{}\" takes no map \"{}\": {}", object.maps[i].spec.name,
                               object.maps[inner.map].spec.name, std::strerror(errno))};
    }
  }
  return maps;
}

}  // namespace sluice::kernel
