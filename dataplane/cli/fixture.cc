#include "dataplane/cli/fixture.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "dataplane/pipeline/objects.h"
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
    if (!report_.diagnostics.has_errors()) return kOk;
    fmt::print(stderr, "{}", report_.diagnostics.render());
    return kConfig;
  }

 private:
  void error(const config::Mark& mark, std::string message) { context_.error(mark, "fixture", std::move(message)); }

  static bool is_devmap(const vm::Map& map) {
    return map.spec().type == vm::MapType::kDevmap || map.spec().type == vm::MapType::kDevmapHash;
  }

  [[nodiscard]] std::shared_ptr<vm::Map> find_map(std::string_view name) const {
    const auto declared =
        std::ranges::find_if(object_.maps, [&](const vm::MapDecl& map) { return map.spec.name == name; });
    if (declared == object_.maps.end()) return nullptr;
    return programs_.object().maps[static_cast<std::size_t>(declared - object_.maps.begin())];
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
    const auto index = static_cast<std::size_t>(declared - object_.maps.begin());
    if (programs_.object().maps[index] == nullptr) {
      return error(given.name.mark, fmt::format("{}: {}", object_.path, programs_.object().unmade[index]));
    }
    vm::Map& map = *programs_.object().maps[index];
    const vm::MapSpec& spec = declared->spec;
    if (map.spec().type != vm::MapType::kProgArray && !is_devmap(map)) {
      return pipeline::fill_map(context_, given, map, object_.btf.get(),
                                [this](std::string_view name) { return find_map(name); });
    }
    if (!given.file.value.empty()) {
      return error(given.file.mark, fmt::format("map {}: lists its entries itself in a fixture", given.name.value));
    }
    const pipeline::ValueType key{.btf = object_.btf.get(),
                                  .type = spec.key_type,
                                  .size = spec.key_size,
                                  .types = given.key_type ? &*given.key_type : nullptr};
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
    // A number alone is the ifindex, also where the value is a struct bpf_devmap_val.
    const bool number = entry.value.kind == config::Value::Kind::kScalar && value_type.size >= 4;
    const pipeline::ValueType type = number ? pipeline::ValueType{.size = 4} : value_type;
    std::vector<std::byte> value(value_type.size);
    if (!reader_.encode(entry.value, type, what + ": value", std::span(value).first(type.size))) return;
    if (!check(map.write(key.data(), value.data(), vm::UpdateMode::kAny), entry.mark, what)) return;
    if (!entry.program.value.empty()) attach(entry, map, index, what);
  }

  void attach(const config::MapEntry& entry, vm::Map& map, std::uint32_t key, const std::string& what) {
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
  Error refusal_;  // of a program that an entry names; empty message = none
  // Maps of a fixture are filled as those of a pipeline without ports.
  config::Config config_;
  pipeline::LoadOptions options_;
  pipeline::LoadReport report_;
  pipeline::LoadContext context_{
      .config = config_, .sources = fixture_.sources, .options = options_, .report = report_, .ports = {}};
  pipeline::ValueReader reader_ = context_.values();
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
