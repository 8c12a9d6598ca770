#include <sched.h>

#include <fmt/format.h>

#include "tests/kernel/side.h"

namespace sluice::kernel {

bool is_compared(const vm::MapSpec& spec, bool at_end) {
  if (!is_readable(spec.type) || spec.name.starts_with(".rodata")) return false;
  return at_end || spec.type != vm::MapType::kArray || spec.max_entries <= 4096;
}

namespace {

class KernelSide : public Side {
 public:
  Result<void> make(const Setup& setup) {
    for (const Setup::Part& part : setup.parts) {
      if (auto done = load(part); !done) return done;
    }
    for (const Setup::Part& part : setup.parts) {
      if (auto done = fill(part); !done) return done;
    }
    const Setup::Part& first = setup.parts.front();
    auto entry = objects_.at(first.name).program(first.programs.front());
    if (!entry) return std::move(entry).error();
    entry_ = std::move(*entry);
    return {};
  }

  Outcome run(const Bytes& metadata, const Bytes& frame) override {
    Bytes data = metadata;
    data.insert(data.end(), frame.begin(), frame.end());
    auto output = kernel::run(entry_, {.data = data, .metadata = static_cast<std::uint32_t>(metadata.size())});
    if (!output) return {};
    Outcome outcome{.ran = true, .verdict = output->retval};
    const auto start = output->data.begin() + output->metadata;
    outcome.metadata.assign(output->data.begin(), start);
    outcome.frame.assign(start, output->data.end());
    return outcome;
  }

  Contents contents(bool at_end) override {
    Contents all;
    for (const auto& [name, object] : objects_) {
      for (const MapHandle& map : object.maps()) {
        if (!is_compared(map.spec(), at_end)) continue;
        const std::string full = name + "." + map.spec().name;
        const auto reader = readers_.find(full);
        all[full] = entries_of(map, reader == readers_.end() ? nullptr : reader->second.get(), at_end);
      }
    }
    return all;
  }

 private:
  Result<void> load(const Setup::Part& part) {
    auto object = Object::open(part.path, part.programs);
    if (!object) return std::move(object).error();
    auto elf = vm::load_elf(part.path);  // for the places of globals
    if (!elf) return std::move(elf).error();
    for (const auto& [name, value] : part.globals) {
      bool found = false;
      for (const vm::MapDecl& map : elf->maps) {
        for (const vm::Btf::Variable& variable : elf->btf->variables(map.spec.name)) {
          if (variable.name != name) continue;
          found = true;
          if (auto done = object->patch(map.spec.name, variable.offset, value); !done) return done;
        }
      }
      if (!found) return Error{ErrorCode::kConfig, "no global " + name};
    }
    const Verdict verdict = object->load();
    if (!verdict.accepted) {
      return Error{ErrorCode::kProgram, fmt::format("{}: the kernel refuses: {}", part.path, verdict.log)};
    }
    objects_.emplace(part.name, std::move(*object));
    return {};
  }

  Result<void> fill(const Setup::Part& part) {
    const Object& object = objects_.at(part.name);
    for (const MapHandle& map : object.maps()) {
      auto reader = read_records_of(map);
      if (!reader) return std::move(reader).error();
      if (*reader != nullptr) readers_[part.name + "." + map.spec().name] = std::move(*reader);
    }
    for (const Setup::Entry& entry : part.entries) {
      auto map = object.map(entry.map);
      if (!map) return std::move(map).error();
      Bytes value = entry.value;
      if (map->transfer_size() != map->spec().value_size) {
        Bytes one = value;
        one.resize(map->transfer_size() / possible_cpus());
        value.clear();
        for (unsigned cpu = 0; cpu < possible_cpus(); ++cpu) value.insert(value.end(), one.begin(), one.end());
      }
      const int status = map->update(entry.key, value);
      if (status != 0) return Error{ErrorCode::kConfig, fmt::format("kernel: {}: update: {}", entry.map, status)};
    }
    for (const Setup::Slot& slot : part.slots) {
      auto map = object.map(slot.map);
      if (!map) return std::move(map).error();
      auto program = objects_.at(slot.object).program(slot.program);
      if (!program) return std::move(program).error();
      const int status = map->set_program(slot.index, *program);
      if (status != 0) return Error{ErrorCode::kConfig, fmt::format("kernel: {}: set: {}", slot.map, status)};
    }
    return {};
  }

  std::map<std::string, Object> objects_;
  std::map<std::string, std::unique_ptr<KernelReader>> readers_;  // by "part.map"
  Fd entry_;
};

}  // namespace

Result<std::unique_ptr<Side>> kernel_side(const Setup& setup) {
  auto side = std::make_unique<KernelSide>();
  if (auto done = side->make(setup); !done) return done.error();
  return std::unique_ptr<Side>(std::move(side));
}

void pin_to_cpu0() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

}  // namespace sluice::kernel
