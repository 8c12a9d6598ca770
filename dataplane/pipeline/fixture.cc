#include "dataplane/pipeline/fixture.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "dataplane/pipeline/inner_map.h"
#include "dataplane/pipeline/objects.h"
#include "dataplane/pipeline/values.h"
#include "vm/maps/cpumap.h"

namespace sluice::pipeline {
namespace {

std::string hint(std::string_view name, std::span<const std::string_view> names) {
  const std::string_view near = nearest(name, names);
  return near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
}

// Whether programs may be attached to its entries.
bool takes_programs(const vm::Map& map) {
  const vm::MapType type = map.spec().type;
  return type == vm::MapType::kDevmap || type == vm::MapType::kDevmapHash || type == vm::MapType::kCpumap;
}

// Whether its values are programs, CPUs or ports, which a pipeline would have to have.
bool is_wiring(const vm::Map& map) {
  const vm::MapType type = map.spec().type;
  return takes_programs(map) || type == vm::MapType::kProgArray || type == vm::MapType::kXskmap;
}

// What the steps of loading a pipeline need, of a configuration without ports.
class Context {
 public:
  explicit Context(const Fixture& fixture) : sources_(fixture.sources) {}
  [[nodiscard]] const LoadContext& get() const { return context_; }
  void error(const config::Mark& mark, std::string message) const {
    context_.error(mark, "fixture", std::move(message));
  }
  void move_to(Diagnostics& diagnostics) {
    for (const Diagnostic& one : report_.diagnostics.all()) diagnostics.add(one);
  }

 private:
  const config::Sources& sources_;
  config::Config config_;
  LoadOptions options_;
  LoadReport report_;
  LoadContext context_{.config = config_, .sources = sources_, .options = options_, .report = report_, .ports = {}};
};

class Writer {
 public:
  Writer(const Fixture& fixture, const FixtureTarget& target) : target_(target), context_(fixture) {}

  Result<void> run(const Fixture& fixture, Diagnostics& diagnostics) {
    for (const config::Map& map : fixture.contents.maps) write_map(map);
    context_.move_to(diagnostics);
    if (failure_) return *failure_;
    return {};
  }

 private:
  [[nodiscard]] std::shared_ptr<vm::Map> find_map(std::string_view name) const {
    for (std::size_t i = 0; i < target_.maps.size(); ++i) {
      if (target_.object.maps[i].spec.name == name) return target_.maps[i];
    }
    return nullptr;
  }

  void write_map(const config::Map& given) {
    const auto& maps = target_.object.maps;
    const auto declared = std::ranges::find(maps, given.name.value,
                                            [](const vm::MapDecl& map) -> const std::string& { return map.spec.name; });
    if (declared == maps.end()) {
      std::vector<std::string_view> names;
      for (const vm::MapDecl& map : maps) names.push_back(map.spec.name);
      return context_.error(given.name.mark, fmt::format("{} has no map '{}'{}", target_.object.path, given.name.value,
                                                         hint(given.name.value, names)));
    }
    const auto index = static_cast<std::size_t>(declared - maps.begin());
    if (target_.maps[index] == nullptr) {
      return context_.error(given.name.mark, fmt::format("{}: {}", target_.object.path, target_.unmade[index]));
    }
    vm::Map& map = *target_.maps[index];
    const vm::Btf* const btf = target_.object.btf.get();
    if (!is_wiring(map)) {
      return fill_map(context_.get(), given, map, btf, [this](std::string_view name) { return find_map(name); });
    }
    if (!check_reader(context_.get(), given, map)) return;
    if (!given.file.value.empty()) {
      return context_.error(given.file.mark,
                            fmt::format("map {}: lists its entries itself in a fixture", given.name.value));
    }
    const vm::MapSpec& spec = declared->spec;
    const auto type_of = [&](std::uint32_t type, std::uint32_t size, const std::optional<config::Value>& types) {
      return ValueType{.btf = btf, .type = type, .size = size, .types = types ? &*types : nullptr};
    };
    const ValueType key = type_of(spec.key_type, spec.key_size, given.key_type);
    const ValueType value = type_of(spec.value_type, spec.value_size, given.value_type);
    const std::string what = "map " + given.name.value;
    const ValueReader reader = context_.get().values();
    if (!reader.check_types(key, what + ": key") || !reader.check_types(value, what + ": value")) return;
    for (const config::MapEntry& entry : given.entries) write_entry(entry, map, key, value, what);
  }

  void write_entry(const config::MapEntry& entry, vm::Map& map, const ValueType& key_type, const ValueType& value_type,
                   const std::string& what) {
    const ValueReader reader = context_.get().values();
    std::vector<std::byte> key(key_type.size);
    if (!reader.encode(entry.key, key_type, what + ": key", key)) return;
    std::uint32_t index = 0;
    std::memcpy(&index, key.data(), std::min(key.size(), sizeof index));
    if (map.spec().type == vm::MapType::kProgArray) {
      const vm::ProgramSlot* const slot = program_slot(entry.value.scalar, entry.value.mark);
      if (slot != nullptr) check(static_cast<vm::ProgArray&>(map).set(index, slot), entry.mark, what);
      return;
    }
    // A number alone is the ifindex or queue size, also where the value is a struct with room for a program.
    const bool number = entry.value.kind == config::Value::Kind::kScalar && value_type.size >= 4;
    const ValueType type = number ? ValueType{.size = 4} : value_type;
    std::vector<std::byte> value(value_type.size);
    if (!reader.encode(entry.value, type, what + ": value", std::span(value).first(type.size))) return;
    if (!check(map.write(key.data(), value.data(), vm::UpdateMode::kAny), entry.mark, what)) return;
    if (!entry.program.value.empty()) attach(entry, map, index, what);
  }

  void attach(const config::MapEntry& entry, vm::Map& map, std::uint32_t key, const std::string& what) {
    if (!takes_programs(map)) {
      return context_.error(entry.program.mark,
                            fmt::format("{}: programs are attached to entries of devmaps and cpumaps, and this is {}",
                                        what, vm::map_type_name(map.spec().type)));
    }
    const vm::ProgramSlot* const slot = program_slot(entry.program.value, entry.program.mark);
    if (slot == nullptr) return;
    const bool cpumap = map.spec().type == vm::MapType::kCpumap;
    check(cpumap ? static_cast<vm::Cpumap&>(map).attach(key, slot) : static_cast<vm::Devmap&>(map).attach(key, slot),
          entry.mark, what);
  }

  bool check(int result, const config::Mark& mark, const std::string& what) const {
    if (result == 0) return true;
    context_.error(mark, fmt::format("{}: the entry is refused: {}", what, std::strerror(-result)));
    return false;
  }

  const vm::ProgramSlot* program_slot(const std::string& name, const config::Mark& mark) {
    const auto slot = target_.program(name.empty() ? std::string("?") : name);
    if (slot) return *slot;
    if (slot.error().code == ErrorCode::kUsage) {
      context_.error(mark, slot.error().message);
    } else if (!failure_) {
      failure_ = slot.error();
    }
    return nullptr;
  }

  const FixtureTarget& target_;
  Context context_;
  std::optional<Error> failure_;  // the first program that cannot be had
};

void set_global(const Context& context, vm::ElfObject& object, const config::Text& name, const config::Value& value) {
  std::vector<std::string_view> names;
  for (vm::MapDecl& section : object.maps) {
    if (object.btf == nullptr || section.origin == vm::MapDecl::Origin::kDeclared) continue;
    for (const vm::Btf::Variable& variable : object.btf->variables(section.spec.name)) {
      names.push_back(variable.name);
      const std::size_t room = section.initial.size();
      if (variable.name != name.value || variable.offset > room || variable.size > room - variable.offset) continue;
      const ValueType type{.btf = object.btf.get(), .type = variable.type, .size = variable.size};
      context.get().values().encode(value, type, "global " + name.value,
                                    std::span(section.initial).subspan(variable.offset, variable.size));
      return;
    }
  }
  context.error(name.mark, fmt::format("{} has no variable '{}'{}", object.path, name.value, hint(name.value, names)));
}

}  // namespace

std::optional<Fixture> read_fixture(const std::string& path, Diagnostics& diagnostics) {
  Fixture fixture;
  auto contents = config::read_fixture(path, fixture.sources, diagnostics);
  if (!contents) return std::nullopt;
  fixture.contents = std::move(*contents);
  return fixture;
}

void prepare(const Fixture& fixture, vm::ElfObject& object, Diagnostics& diagnostics) {
  Context context(fixture);
  for (const config::Map& map : fixture.contents.maps) {
    for (vm::MapDecl& declared : object.maps) {
      if (declared.spec.name != map.name.value) continue;
      if (map.max_entries != 0) declared.spec.max_entries = map.max_entries;
      if (std::string why = set_inner(map, declared.spec); !why.empty()) context.error(map.inner->mark, std::move(why));
    }
  }
  for (const auto& [name, value] : fixture.contents.globals) set_global(context, object, name, value);
  context.move_to(diagnostics);
}

std::vector<std::shared_ptr<vm::Map>> read_maps(const Fixture& fixture, const FixtureTarget& target) {
  std::vector<std::shared_ptr<vm::Map>> read(target.maps.size());
  for (const config::Map& given : fixture.contents.maps) {
    for (std::size_t i = 0; i < read.size() && given.reader.value_or(false); ++i) {
      if (target.object.maps[i].spec.name == given.name.value) read[i] = target.maps[i];
    }
  }
  return read;
}

Result<void> fill(const Fixture& fixture, const FixtureTarget& target, Diagnostics& diagnostics) {
  return Writer(fixture, target).run(fixture, diagnostics);
}

}  // namespace sluice::pipeline
