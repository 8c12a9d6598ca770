#include "dataplane/pipeline/objects.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "dataplane/pipeline/inner_map.h"
#include "vm/core_builtin.h"

namespace sluice::pipeline {
namespace {

std::string canonical(const std::string& path) {
  std::error_code failed;
  const auto real = std::filesystem::weakly_canonical(path, failed);
  return failed ? path : real.string();
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names) {
  const std::string_view near = nearest(word, names);
  return near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
}

std::string joined(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text;
}

bool same_inside(const vm::MapSpec& a, const vm::MapSpec& b) {
  if (a.inner == nullptr || b.inner == nullptr) return a.inner == b.inner;
  return vm::may_stand_for(*a.inner, *b.inner) && vm::may_stand_for(*b.inner, *a.inner);
}

// What an object without XDP programs holds.
std::string instead(const vm::ElfObject& elf) {
  std::string text;
  for (const vm::ListedProgram& other : elf.others) {
    text += fmt::format("{} {} ({})", text.empty() ? ", only" : ",", other.name,
                        other.type.empty() ? "of unknown type: say `type:`" : other.type);
  }
  return text;
}

std::string layout(const vm::MapSpec& spec) {
  const std::string inside = spec.inner != nullptr ? fmt::format(" of ({})", layout(*spec.inner)) : std::string();
  return fmt::format("{}, key {}, value {}, {} entries, flags {:#x}{}", vm::map_type_name(spec.type), spec.key_size,
                     spec.value_size, spec.max_entries, spec.flags, inside);
}

}  // namespace

ObjectSet::ObjectSet(const LoadContext& context) : context_(context) {
  if (const config::Text& btf = context.config.btf; !btf.value.empty()) {
    auto types = vm::load_types(btf.value);
    if (types) {
      kernel_types_ = std::move(*types);
    } else {
      context.error(btf.mark, "btf", fmt::format("btf: {}", types.error().message));
    }
  }
  for (const config::Program& program : context.config.programs) paths_.push_back(canonical(program.object.value));
  for (std::size_t i = 0; i < context.config.programs.size(); ++i) {
    by_program_.push_back(load(i));
    functions_.push_back(nullptr);
    if (by_program_.back() != nullptr) find_function(i);
  }
}

// What the programs of one object are said to be. An object is loaded once, for all of them.
vm::ElfOptions ObjectSet::types_for(const std::string& path) const {
  vm::ElfOptions options;
  options.kernel_types = kernel_types_;
  for (const auto& [name, value] : context_.config.kconfig) options.kconfig[name.value] = value.scalar;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const config::Program& program = context_.config.programs[i];
    if (paths_[i] != path || program.type.value.empty()) continue;
    const vm::ProgramType* const type = vm::type_called(program.type.value);
    const vm::ProgramType*& known =
        program.function.value.empty() ? options.unknown_type : options.types[program.function.value];
    if (known != nullptr && known != type) {
      context_.error(program.type.mark, "program-type",
                     fmt::format("program {}: another program of the same object takes it for {}", program.name.value,
                                 known->name));
    }
    if (known == nullptr) known = type;
  }
  return options;
}

Object* ObjectSet::load(std::size_t index) {
  const config::Program& program = context_.config.programs[index];
  const std::string& path = paths_[index];
  if (const auto known = by_path_.find(path); known != by_path_.end()) return known->second.get();
  if (failed_paths_.contains(path)) return nullptr;  // said once
  auto loaded = vm::load_elf(program.object.value, types_for(path));
  if (!loaded) {
    failed_paths_[path] = true;
    if (loaded.error().code == ErrorCode::kEnvironment) {
      context_.error(program.object.mark, "object-missing",
                     fmt::format("program {}: cannot read its object: {}", program.name.value, loaded.error().message));
    } else {
      context_.report.rejected.push_back(
          {program.name.value, fmt::format("{}: error[object]: {}\n", program.object.value, loaded.error().message)});
    }
    return nullptr;
  }
  auto object = std::make_unique<Object>(Object{.elf = std::move(*loaded), .maps = {}, .first = &program});
  return (by_path_[path] = std::move(object)).get();
}

void ObjectSet::find_function(std::size_t index) {
  const config::Program& program = context_.config.programs[index];
  const vm::ElfObject& elf = by_program_[index]->elf;
  std::vector<std::string_view> names;
  for (const vm::LoadedProgram& known : elf.programs) names.push_back(known.name);
  if (program.function.value.empty()) {
    if (elf.programs.size() == 1) {
      functions_[index] = elf.programs.data();
      return;
    }
    context_.error(program.object.mark, "program-function",
                   names.empty() ? fmt::format("program {}: {} holds no XDP program{}", program.name.value,
                                               program.object.value, instead(elf))
                                 : fmt::format("program {}: {} holds several programs: say `function:` ({})",
                                               program.name.value, program.object.value, joined(names)));
    return;
  }
  functions_[index] = elf.program(program.function.value);
  if (functions_[index] != nullptr) return;
  if (const vm::ListedProgram* listed = elf.listed(program.function.value)) {
    context_.error(program.function.mark, "program-type",
                   fmt::format("program {}: {}: {}{}", program.name.value, program.object.value, vm::why_not(*listed),
                               listed->why.empty() ? "; `type: xdp` takes it for an XDP program" : ""));
    return;
  }
  context_.error(program.function.mark, "program-function",
                 fmt::format("program {}: {} has no program '{}'{}", program.name.value, program.object.value,
                             printable(program.function.value), did_you_mean(program.function.value, names)));
}

void ObjectSet::set_globals() {
  for (std::size_t i = 0; i < by_program_.size(); ++i) {
    if (by_program_[i] == nullptr) continue;
    const config::Program& program = context_.config.programs[i];
    for (const auto& [name, value] : program.globals) set_global(*by_program_[i], program, name, value);
  }
}

void ObjectSet::set_global(Object& object, const config::Program& program, const config::Text& name,
                           const config::Value& value) {
  const std::string what = fmt::format("program {}: global {}", program.name.value, name.value);
  if (object.elf.btf == nullptr) {
    context_.error(name.mark, "global", fmt::format("{}: {} has no BTF to find it by", what, object.elf.path));
    return;
  }
  std::vector<std::string_view> names;
  for (vm::MapDecl& section : object.elf.maps) {
    if (section.origin == vm::MapDecl::Origin::kDeclared) continue;
    for (const vm::Btf::Variable& variable : object.elf.btf->variables(section.spec.name)) {
      names.push_back(variable.name);
      if (variable.name != name.value) continue;
      std::vector<std::byte> bytes(variable.size);
      const ValueType type{.btf = object.elf.btf.get(), .type = variable.type, .size = variable.size};
      if (!context_.values().encode(value, type, what, bytes)) return;
      if (variable.offset > section.initial.size() || variable.size > section.initial.size() - variable.offset) {
        context_.error(name.mark, "global", fmt::format("{}: lies outside {}", what, section.spec.name));
        return;
      }
      Written& before = written_[{&object, name.value}];
      if (before.name != nullptr && before.bytes != bytes) {
        context_.error(name.mark, "global",
                       fmt::format("{}: another program of the same object set it differently on {}:{}", what,
                                   before.name->mark.file, before.name->mark.line));
        return;
      }
      std::ranges::copy(bytes, section.initial.begin() + variable.offset);
      before = {.name = &name, .bytes = std::move(bytes)};
      return;
    }
  }
  context_.error(name.mark, "global",
                 fmt::format("{}: {} has no such variable{}", what, object.elf.path, did_you_mean(name.value, names)));
}

std::vector<ObjectSet::Member> ObjectSet::declarations(std::string_view name) const {
  std::vector<Member> found;
  std::set<const Object*> seen;
  for (Object* object : by_program_) {  // in the order of the configuration
    if (object == nullptr || !seen.insert(object).second) continue;
    for (std::size_t i = 0; i < object->elf.maps.size(); ++i) {
      const vm::MapDecl& map = object->elf.maps[i];
      if (map.origin == vm::MapDecl::Origin::kDeclared && map.spec.name == name) found.push_back({object, i});
    }
  }
  return found;
}

std::vector<ObjectSet::Member> ObjectSet::sharers(const config::Map& map, const std::vector<Member>& declared) {
  std::vector<Member> members;
  for (const config::Text& name : map.shared_by) {
    const auto program =
        std::ranges::find(context_.config.programs, name.value, [](const config::Program& p) { return p.name.value; });
    SLUICE_CHECK(program != context_.config.programs.end());  // read_config resolved it
    const Object* object = by_program_[static_cast<std::size_t>(program - context_.config.programs.begin())];
    if (object == nullptr) continue;
    const auto member = std::ranges::find(declared, object, [](const Member& m) { return m.object; });
    if (member == declared.end()) {
      context_.error(name.mark, "unknown-map",
                     fmt::format("map {}: the object of program {} declares no such map", map.name.value, name.value));
    } else if (std::ranges::count(members, object, [](const Member& m) { return m.object; }) == 0) {
      members.push_back(*member);
    }
  }
  return members;
}

void ObjectSet::group_config(const config::Map& map) {
  const std::vector<Member> declared = declarations(map.name.value);
  if (declared.empty()) {
    if (!failed_paths_.empty()) return;  // perhaps in the object that could not be read
    std::set<std::string_view> names;
    for (const auto& [path, object] : by_path_) {
      for (const vm::MapDecl& known : object->elf.maps) {
        if (known.origin == vm::MapDecl::Origin::kDeclared) names.insert(known.spec.name);
      }
    }
    context_.error(map.name.mark, "unknown-map",
                   fmt::format("no object declares a map '{}'{}", printable(map.name.value),
                               did_you_mean(map.name.value, {names.begin(), names.end()})));
    return;
  }
  Group group{
      .members = map.shared_by.empty() ? declared : sharers(map, declared), .config = {&map}, .pin = map.pin.value};
  const bool pinned =
      std::ranges::all_of(declared, [](const Member& m) { return m.object->elf.maps[m.index].spec.pin_by_name; });
  if (map.shared_by.empty() && declared.size() > 1 && !pinned && group.pin.empty()) {
    context_.error(map.name.mark, "map-ambiguous",
                   fmt::format("map {}: {} and {} each declare one: say in `shared_by` which programs share it",
                               map.name.value, declared[0].object->elf.path, declared[1].object->elf.path));
    return;
  }
  if (group.members.empty()) return;
  for (const Member& member : group.members) {
    vm::MapSpec& spec = member.object->elf.maps[member.index].spec;
    if (map.max_entries != 0) spec.max_entries = map.max_entries;
    if (const std::string why = set_inner(map, spec); !why.empty()) {
      context_.error(map.inner->mark, "map-inner", why);
      return;
    }
  }
  add(std::move(group));
}

// Into the group of the same pin, or as a group of its own.
void ObjectSet::add(Group group) {
  const auto same = std::ranges::find(groups_, group.pin, &Group::pin);
  if (group.pin.empty() || same == groups_.end()) {
    if (same_layout(group)) groups_.push_back(std::move(group));
    return;
  }
  same->config.insert(same->config.end(), group.config.begin(), group.config.end());
  same->members.insert(same->members.end(), group.members.begin(), group.members.end());
  if (!same_layout(*same)) groups_.erase(same);
}

bool ObjectSet::same_layout(Group& group) const {
  // Who leaves the size open takes the others'.
  std::uint32_t entries = 0;
  for (const Member& member : group.members) {
    const std::uint32_t own = member.object->elf.maps[member.index].spec.max_entries;
    if (entries == 0) entries = own;
  }
  for (const Member& member : group.members) {
    std::uint32_t& own = member.object->elf.maps[member.index].spec.max_entries;
    if (own == 0) own = entries;
  }
  const vm::MapDecl& first = group.members[0].object->elf.maps[group.members[0].index];
  for (const Member& member : group.members) {
    const vm::MapDecl& other = member.object->elf.maps[member.index];
    const vm::MapSpec& a = first.spec;
    const vm::MapSpec& b = other.spec;
    if (a.type == b.type && a.key_size == b.key_size && a.value_size == b.value_size &&
        a.max_entries == b.max_entries && a.flags == b.flags && same_inside(a, b)) {
      continue;
    }
    const config::Mark& mark =
        !group.config.empty() ? group.config.back()->name.mark : member.object->first->object.mark;
    context_.error(mark, "map-layout",
                   fmt::format("map {} cannot be shared: {} has {}; {} has {}", a.name,
                               group.members[0].object->elf.path, layout(a), member.object->elf.path, layout(b)));
    return false;
  }
  return true;
}

void ObjectSet::group_maps() {
  for (const config::Map& map : context_.config.maps) group_config(map);
  group_pinned();
}

// Maps pinned by name are one instance whether the configuration mentions them or not.
void ObjectSet::group_pinned() {
  std::set<std::string_view> done;
  for (const config::Map& map : context_.config.maps) done.insert(map.name.value);
  for (const auto& [path, object] : by_path_) {
    for (const vm::MapDecl& map : object->elf.maps) {
      if (!map.spec.pin_by_name || !done.insert(map.spec.name).second) continue;
      Group group{.members = declarations(map.spec.name), .config = {}, .pin = map.spec.name};
      std::erase_if(group.members, [](const Member& m) { return !m.object->elf.maps[m.index].spec.pin_by_name; });
      add(std::move(group));
    }
  }
}

// Maps that programs asked for use, that the configuration names, or that share an instance with such a one.
std::map<const Object*, std::vector<bool>> ObjectSet::needed_maps() const {
  std::set<std::string_view> named;
  for (const config::Map& map : context_.config.maps) named.insert(map.name.value);
  for (const config::Pipeline& pipeline : context_.config.pipelines) {
    for (const auto& [array, slots] : pipeline.tail_calls) named.insert(array.value);
  }
  std::map<const Object*, std::vector<bool>> needed;
  for (const auto& [path, object] : by_path_) {
    for (const vm::MapDecl& map : object->elf.maps) needed[object.get()].push_back(named.contains(map.spec.name));
  }
  for (std::size_t i = 0; i < functions_.size(); ++i) {
    if (functions_[i] != nullptr) vm::mark_maps(by_program_[i]->elf, *functions_[i], needed[by_program_[i]]);
  }
  for (const Group& group : groups_) {
    const bool any = std::ranges::any_of(group.members, [&](const Member& m) { return needed[m.object][m.index]; });
    for (const Member& member : group.members) needed[member.object][member.index] = any;
  }
  return needed;
}

bool ObjectSet::make_maps() {
  group_maps();
  const auto needed = needed_maps();
  bool ok = true;
  for (const auto& [path, object] : by_path_) {
    const std::vector<bool>& of_object = needed.at(object.get());
    for (std::size_t i = 0; i < of_object.size(); ++i) {
      const vm::MapDecl& map = object->elf.maps[i];
      if (!of_object[i] || !vm::leaves_size_open(map.spec) || map.origin != vm::MapDecl::Origin::kDeclared) continue;
      context_.error(object->first->object.mark, "map-size",
                     fmt::format("map {} of {} leaves its size open: set maps.{}.max_entries", map.spec.name,
                                 object->elf.path, map.spec.name));
      ok = false;
    }
    if (!ok) continue;
    auto made = vm::make_maps(object->elf, context_.options.cpus, of_object);
    if (made) {
      object->maps = std::move(*made);
      continue;
    }
    ok = false;
    context_.report.rejected.push_back(
        {object->first->name.value, fmt::format("{}: error[map]: {}\n", object->elf.path, made.error().message)});
  }
  if (!ok) return false;
  for (const Group& group : groups_) {
    const Member& first = group.members[0];
    for (const Member& member : group.members) member.object->maps[member.index] = first.object->maps[first.index];
  }
  return link_maps();
}

// With all instances known: numbers them, and puts shared ones into maps of maps.
bool ObjectSet::link_maps() {
  std::uint32_t id = 0;
  for (const NamedMap& map : all_maps()) map.map->set_id(++id);
  bool ok = true;
  for (const auto& [path, object] : by_path_) {
    const auto linked = vm::fill_maps_of_maps(object->elf, object->maps);
    if (linked) continue;
    ok = false;
    context_.report.rejected.push_back(
        {object->first->name.value, fmt::format("{}: error[map]: {}\n", object->elf.path, linked.error().message)});
  }
  return ok;
}

// Of the object itself, else the one map of that name that others have.
std::shared_ptr<vm::Map> ObjectSet::inner_map(const Object& first, std::string_view name) const {
  const auto in = [&](const Object& object) -> std::shared_ptr<vm::Map> {
    for (std::size_t i = 0; i < object.maps.size(); ++i) {
      const vm::MapDecl& map = object.elf.maps[i];
      if (map.origin == vm::MapDecl::Origin::kDeclared && map.spec.name == name) return object.maps[i];
    }
    return nullptr;
  };
  std::shared_ptr<vm::Map> found = in(first);
  if (found != nullptr) return found;
  for (const auto& [path, object] : by_path_) {
    const std::shared_ptr<vm::Map> other = in(*object);
    if (other != nullptr && found != nullptr && other != found) return nullptr;
    if (other != nullptr) found = other;
  }
  return found;
}

void ObjectSet::fill_maps() {
  for (const Group& group : groups_) {
    const Member& first = group.members[0];
    for (const config::Map* config : group.config) {
      fill_map(context_, *config, *first.object->maps[first.index], first.object->elf.btf.get(),
               [&](std::string_view name) { return inner_map(*first.object, name); });
      if (!config->reader.value_or(true)) unread_.insert(first.object->maps[first.index].get());
    }
  }
}

std::vector<ObjectSet::Found> ObjectSet::find_map(std::string_view name,
                                                  const std::vector<std::size_t>& programs) const {
  std::vector<Found> found;
  for (const std::size_t program : programs) {
    const Object* object = by_program_[program];
    if (object == nullptr || object->maps.size() != object->elf.maps.size()) continue;
    for (std::size_t i = 0; i < object->maps.size(); ++i) {
      const vm::MapDecl& map = object->elf.maps[i];
      if (map.origin != vm::MapDecl::Origin::kDeclared || map.spec.name != name || !object->maps[i]) continue;
      const bool known = std::ranges::any_of(found, [&](const Found& f) { return f.map == object->maps[i]; });
      if (!known) found.push_back({.map = object->maps[i], .object = object, .declaration = &map});
    }
  }
  return found;
}

std::vector<NamedMap> ObjectSet::all_maps() const {
  std::vector<NamedMap> all;
  std::set<const Object*> seen;
  for (const Object* object : by_program_) {
    if (object == nullptr || !seen.insert(object).second) continue;
    for (std::size_t i = 0; i < object->maps.size(); ++i) {
      if (object->maps[i] == nullptr) continue;
      const auto known = std::ranges::find(all, object->maps[i], &NamedMap::map);
      if (known != all.end()) {
        known->objects.push_back(object->elf.path);
      } else {
        all.push_back({.name = object->elf.maps[i].spec.name,
                       .objects = {object->elf.path},
                       .map = object->maps[i],
                       .btf = object->elf.btf,
                       .reader = !unread_.contains(object->maps[i].get())});
      }
    }
  }
  return all;
}

}  // namespace sluice::pipeline
