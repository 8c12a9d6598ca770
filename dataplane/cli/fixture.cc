#include "dataplane/cli/fixture.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "dataplane/pipeline/values.h"

namespace sluice::cli {
namespace {

class Writer {
 public:
  Writer(const Fixture& fixture, ReadyPrograms& programs)
      : fixture_(fixture), programs_(programs), object_(programs.object().object) {}

  int run() {
    for (const config::Map& map : fixture_.maps) write_map(map);
    if (!refusal_.message.empty()) return fail(refusal_);
    if (!diagnostics_.has_errors()) return kOk;
    fmt::print(stderr, "{}", diagnostics_.render());
    return kConfig;
  }

 private:
  void error(const config::Mark& mark, std::string message) {
    diagnostics_.add(fixture_.sources.at(mark, "fixture", std::move(message)));
  }

  void write_map(const config::Map& given) {
    const auto declared = std::ranges::find(object_.maps, given.name.value,
                                            [](const vm::MapDecl& map) -> const std::string& { return map.spec.name; });
    if (declared == object_.maps.end()) {
      std::vector<std::string_view> names;
      for (const vm::MapDecl& map : object_.maps) names.push_back(map.spec.name);
      const std::string_view near = nearest(given.name.value, names);
      const std::string hint = near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
      return error(given.name.mark, fmt::format("{} has no map '{}'{}", object_.path, given.name.value, hint));
    }
    if (!given.file.value.empty()) {
      error(given.file.mark, fmt::format("map {}: a fixture lists its entries itself", given.name.value));
    }
    vm::Map& map = *programs_.object().maps[static_cast<std::size_t>(declared - object_.maps.begin())];
    const vm::MapSpec& spec = declared->spec;
    const pipeline::ValueType key{.btf = object_.btf.get(),
                                  .type = spec.key_type,
                                  .size = spec.key_size,
                                  .types = given.key_type ? &*given.key_type : nullptr,
                                  .prefix = spec.type == vm::MapType::kLpmTrie};
    const pipeline::ValueType value{.btf = object_.btf.get(),
                                    .type = spec.value_type,
                                    .size = spec.value_size,
                                    .types = given.value_type ? &*given.value_type : nullptr};
    const std::string what = "map " + given.name.value;
    if (!reader_.check_types(key, what + ": key") || !reader_.check_types(value, what + ": value")) return;
    for (const config::MapEntry& entry : given.entries) write_entry(entry, map, key, value, what);
  }

  void write_entry(const config::MapEntry& entry, vm::Map& map, const pipeline::ValueType& key_type,
                   const pipeline::ValueType& value_type, const std::string& what) {
    std::vector<std::byte> key(key_type.size);
    if (!reader_.encode(entry.key, key_type, what + ": key", key)) return;
    std::uint32_t index = 0;
    std::memcpy(&index, key.data(), std::min(key.size(), sizeof index));
    if (map.spec().type == vm::MapType::kProgArray) {
      const vm::ProgramSlot* const slot = program_slot(entry.value.scalar, entry.value.mark);
      if (slot != nullptr) check(static_cast<vm::ProgArray&>(map).set(index, slot), entry.mark, what);
      return;
    }
    std::vector<std::byte> value(map.transfer_size());
    const auto one = std::span(value).first(value_type.size);
    if (!reader_.encode(entry.value, value_type, what + ": value", one)) return;
    for (unsigned cpu = 1; map.is_percpu() && cpu < map.cpus(); ++cpu) {
      std::ranges::copy(one, value.begin() + static_cast<std::ptrdiff_t>(cpu * map.percpu_stride()));
    }
    if (!check(map.write(key.data(), value.data(), vm::UpdateMode::kAny), entry.mark, what)) return;
    if (!entry.program.value.empty()) attach(entry, map, index, what);
  }

  void attach(const config::MapEntry& entry, vm::Map& map, std::uint32_t key, const std::string& what) {
    if (map.spec().type != vm::MapType::kDevmap && map.spec().type != vm::MapType::kDevmapHash) {
      return error(entry.program.mark, what + ": only entries of a devmap have programs");
    }
    const vm::ProgramSlot* const slot = program_slot(entry.program.value, entry.program.mark);
    if (slot != nullptr) check(static_cast<vm::Devmap&>(map).attach(key, slot), entry.mark, what);
  }

  bool check(int result, const config::Mark& mark, const std::string& what) {
    if (result == 0) return true;
    error(mark, fmt::format("{}: the entry is refused: {}", what, std::strerror(-result)));
    return false;
  }

  const vm::ProgramSlot* program_slot(const std::string& name, const config::Mark& mark) {
    const auto program = choose_program(object_, name.empty() ? std::string_view("?") : std::string_view(name));
    if (!program) {
      error(mark, program.error().message);
      return nullptr;
    }
    const auto ready = programs_.get(**program);
    if (!ready) {
      refusal_ = ready.error();
      return nullptr;
    }
    return &(*ready)->slot;
  }

  const Fixture& fixture_;
  ReadyPrograms& programs_;
  const vm::ElfObject& object_;
  Diagnostics diagnostics_;
  Error refusal_;  // of a program that a prog array names; empty message = none
  pipeline::PortNumbers ports_;
  pipeline::ValueReader reader_{ports_, fixture_.sources, diagnostics_};
};

}  // namespace

std::optional<Fixture> read_fixture(const std::string& path) {
  Fixture fixture;
  Diagnostics diagnostics;
  auto maps = config::read_maps(path, fixture.sources, diagnostics);
  fmt::print(stderr, "{}", diagnostics.render());
  if (!maps) return std::nullopt;
  fixture.maps = std::move(*maps);
  return fixture;
}

MapSizes map_sizes(const Fixture& fixture) {
  MapSizes sizes;
  for (const config::Map& map : fixture.maps) {
    if (map.max_entries != 0) sizes[map.name.value] = map.max_entries;
  }
  return sizes;
}

int apply_fixture(const Fixture& fixture, ReadyPrograms& programs) { return Writer(fixture, programs).run(); }

}  // namespace sluice::cli
