#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include <fmt/format.h>

#include "tests/packaged/ask.h"
#include "tests/packaged/subject.h"
#include "vm/maps/perf_event_array.h"

namespace sluice::kernel {
namespace {

bool is_devmap(vm::MapType type) { return type == vm::MapType::kDevmap || type == vm::MapType::kDevmapHash; }

Bytes of_number(std::uint32_t number) {
  Bytes bytes(sizeof number);
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

// Names of the entry and of all programs that prog arrays and devmaps hold.
std::vector<std::string> programs_of(const SluiceSubject& subject) {
  std::set<std::string> names;
  const auto note = [&](const vm::ProgramSlot* slot) {
    if (slot != nullptr && slot->program != nullptr) names.insert(slot->program->name());
  };
  for (const auto& map : subject.maps()) {
    const auto* const array = dynamic_cast<const vm::ProgArray*>(map.get());
    for (std::uint32_t i = 0; array != nullptr && i < map->spec().max_entries; ++i) note(array->slot(i));
  }
  names.erase(subject.entry());
  std::vector<std::string> all = {subject.entry()};
  all.insert(all.end(), names.begin(), names.end());
  return all;
}

}  // namespace

Result<std::unique_ptr<KernelSubject>> KernelSubject::make(const SluiceSubject& like) {
  auto subject = std::make_unique<KernelSubject>();
  const std::vector<std::string> programs = programs_of(like);
  // libbpf gives devmap and cpumap programs an attach type that test_run refuses.
  const vm::LoadedProgram* const entry = like.object().program(like.entry());
  const bool is_attached =
      entry->section.find("/devmap") != std::string::npos || entry->section.find("/cpumap") != std::string::npos;
  auto done = is_attached ? Result<void>(Error{ErrorCode::kEnvironment, ""}) : subject->load_by_libbpf(like, programs);
  if (!done) {
    const std::string first = done.error().message;
    done = subject->load_instructions_of(like, programs);
    if (!done) return Error{ErrorCode::kProgram, first.empty() ? done.error().message : first};
  }
  if (done = subject->fill(like); !done) return done.error();
  return subject;
}

Result<void> KernelSubject::load_by_libbpf(const SluiceSubject& like, const std::vector<std::string>& programs) {
  auto object = Object::open(like.object().path, programs);
  if (!object) return std::move(object).error();
  for (const vm::MapDecl& map : like.object().maps) {
    if (map.origin == vm::MapDecl::Origin::kDeclared) {
      (void)object->resize(map.spec.name, map.spec.max_entries);
    } else if (like.sets_globals()) {
      if (auto done = object->patch(map.spec.name, 0, map.initial); !done) return done;
    }
  }
  const Verdict verdict = object->load();
  if (!verdict.accepted) return Error{ErrorCode::kProgram, last_words(verdict.log)};
  for (const std::string& name : programs) {
    auto program = object->program(name);
    if (!program) return std::move(program).error();
    programs_[name] = std::move(*program);
  }
  maps_ = object->maps();
  object_ = std::make_unique<Object>(std::move(*object));
  return {};
}

Result<void> KernelSubject::load_instructions_of(const SluiceSubject& like, const std::vector<std::string>& programs) {
  auto made = create_maps(like.object());
  if (!made) return std::move(made).error();
  descriptors_ = std::move(*made);
  programs_.clear();
  for (const std::string& name : programs) {
    RawProgram loaded = load_instructions(*like.object().program(name), descriptors_);
    if (!loaded.verdict.accepted) {
      const std::string why = last_words(loaded.verdict.log);
      return Error{ErrorCode::kProgram, why.empty() ? std::strerror(loaded.verdict.error) : why};
    }
    programs_[name] = std::move(loaded.fd);
  }
  for (std::size_t i = 0; i < descriptors_.size(); ++i) {
    maps_.emplace_back(descriptors_[i].get(), like.object().maps[i].spec);
  }
  return {};
}

const MapHandle* KernelSubject::map(const std::string& name) const {
  const auto found = std::ranges::find_if(maps_, [&](const MapHandle& map) { return map.spec().name == name; });
  return found == maps_.end() ? nullptr : &*found;
}

Result<void> KernelSubject::fill(const SluiceSubject& like) {
  entry_ = programs_.at(like.entry()).duplicate();
  for (std::size_t i = 0; i < like.maps().size(); ++i) {
    const bool is_data = like.object().maps[i].origin != vm::MapDecl::Origin::kDeclared;
    const auto& from = like.maps()[i];
    const MapHandle* const to = from == nullptr ? nullptr : map(from->spec().name);
    if (is_data || to == nullptr) continue;
    const auto* const events = dynamic_cast<const vm::PerfEventArray*>(from.get());
    if (events != nullptr && events->ring(0) == nullptr) continue;  // nobody reads them
    auto reader = read_records_of(*to);
    if (!reader) return std::move(reader).error();
    if (*reader != nullptr) readers_[to->spec().name] = std::move(*reader);
    if (auto done = fill_map(like, *from, *to); !done) return done;
  }
  return {};
}

Result<int> KernelSubject::inner_like(const vm::Map& inner, const vm::Map* own, const std::string& outer) {
  if (&inner != own) {
    const MapHandle* const named = map(inner.spec().name);
    return named == nullptr ? -1 : named->fd();
  }
  auto made = create_map(inner.spec());
  if (!made) return std::move(made).error();
  const int fd = made->get();
  own_inner_.insert_or_assign(outer, OwnInner{std::move(*made), inner.spec()});
  return fd;
}

Result<void> KernelSubject::put_sockets(const vm::Xskmap& from, const MapHandle& to) {
  for (std::uint32_t i = 0; i < from.spec().max_entries; ++i) {
    if (from.resolve(i) == 0) continue;
    sockets_.emplace_back(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    const int fd = sockets_.back().get();
    const int entries = 64;
    if (fd < 0 || setsockopt(fd, SOL_XDP, XDP_RX_RING, &entries, sizeof entries) != 0) {
      return Error{ErrorCode::kEnvironment, fmt::format("no AF_XDP socket: {}", std::strerror(errno))};
    }
    const int status = to.update(of_number(i), of_number(static_cast<std::uint32_t>(fd)));
    if (status != 0)
      return Error{ErrorCode::kConfig, fmt::format("the kernel takes no socket: {}", std::strerror(-status))};
  }
  return {};
}

Result<void> KernelSubject::fill_map(const SluiceSubject& like, vm::Map& from, const MapHandle& to) {
  const vm::MapSpec& spec = from.spec();
  const auto refused = [&](int status) {
    return Error{ErrorCode::kConfig,
                 fmt::format("the kernel's map {} takes no entry: {}", spec.name, std::strerror(-status))};
  };
  if (const auto* const array = dynamic_cast<const vm::ProgArray*>(&from)) {
    for (std::uint32_t i = 0; i < spec.max_entries; ++i) {
      const vm::ProgramSlot* const slot = array->slot(i);
      if (slot == nullptr || slot->program == nullptr) continue;
      if (const int status = to.set_program(i, programs_.at(slot->program->name())); status != 0)
        return refused(status);
    }
    return {};
  }
  if (const auto* const sockets = dynamic_cast<const vm::Xskmap*>(&from)) return put_sockets(*sockets, to);
  const bool of_maps = dynamic_cast<vm::MapOfMaps*>(&from) != nullptr;
  if (!has_keys(spec.type)) return {};
  Bytes key(spec.key_size);
  Bytes next(spec.key_size);
  Bytes value(from.transfer_size());
  for (bool more = from.next_key(nullptr, next.data()); more; more = from.next_key(key.data(), next.data())) {
    key = next;
    if (of_maps) {
      const auto* const inner = reinterpret_cast<const vm::Map*>(from.lookup(key.data(), 0));
      const auto fd = inner == nullptr ? Result<int>(-1) : inner_like(*inner, like.own_inner(from), spec.name);
      if (!fd) return fd.error();
      if (*fd < 0) continue;
      value = of_number(static_cast<std::uint32_t>(*fd));
    } else if (from.read(key.data(), value.data()) != 0) {
      continue;
    }
    const bool is_zero = std::ranges::all_of(value, [](std::byte b) { return b == std::byte{0}; });
    const bool is_array = spec.type == vm::MapType::kArray || spec.type == vm::MapType::kPercpuArray;
    if (is_zero && (is_array || is_devmap(spec.type) || spec.type == vm::MapType::kCpumap)) continue;
    if ((is_devmap(spec.type) || spec.type == vm::MapType::kCpumap) && value.size() > 4) {
      std::fill(value.begin() + 4, value.end(), std::byte{0});  // programs there run after test_run is over
    }
    if (const int status = to.update(key, value); status != 0) return refused(status);
  }
  return {};
}

Outcome KernelSubject::run(const Input& input) {
  Bytes data = input.metadata;
  data.insert(data.end(), input.frame.begin(), input.frame.end());
  const auto output =
      kernel::run(entry_, {.data = data, .metadata = static_cast<std::uint32_t>(input.metadata.size())});
  if (!output) return {};
  Outcome outcome{.ran = true, .verdict = output->retval};
  const auto start = output->data.begin() + output->metadata;
  outcome.metadata.assign(output->data.begin(), start);
  outcome.frame.assign(start, output->data.end());
  return outcome;
}

Contents KernelSubject::contents() const {
  Contents all;
  for (const MapHandle& map : maps_) {
    const std::string& name = map.spec().name;
    if (!is_compared(map.spec(), true)) continue;
    const auto reader = readers_.find(name);
    all[name] = entries_of(map, reader == readers_.end() ? nullptr : reader->second.get(), true);
  }
  for (const auto& [name, inner] : own_inner_) {
    all[name + ".inner"] = entries_of(MapHandle(inner.fd.get(), inner.spec), nullptr, true);
  }
  return all;
}

}  // namespace sluice::kernel
