#include "dataplane/pipeline/tails.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace sluice::pipeline {

std::vector<std::size_t> filled_arrays(const vm::ElfObject& object, const vm::LoadedProgram& program) {
  std::vector<bool> used(object.maps.size());
  vm::mark_maps(object, program, used);
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i] && !object.maps[i].tails.empty()) found.push_back(i);
  }
  return found;
}

namespace {

// Reads each object once; null when it cannot be read.
class Objects {
 public:
  explicit Objects(const config::Config& config) {
    options_.unknown_type = &vm::xdp_type();
    options_.list_only = true;
    for (const auto& [name, value] : config.kconfig) options_.kconfig[name.value] = value.scalar;
    for (const config::Program& program : config.programs) {
      const vm::ProgramType* const type = vm::type_called(program.type.value);
      if (type != nullptr && !program.function.value.empty()) options_.types[program.function.value] = type;
    }
  }
  const vm::ElfObject* read(const std::string& path) {
    const auto [known, fresh] = objects_.try_emplace(path);
    if (fresh) {
      auto loaded = vm::load_elf(path, options_);
      if (loaded) known->second = std::make_unique<vm::ElfObject>(std::move(*loaded));
    }
    return known->second.get();
  }

 private:
  vm::ElfOptions options_;
  std::map<std::string, std::unique_ptr<vm::ElfObject>> objects_;
};

const vm::LoadedProgram* function_of(const vm::ElfObject& object, const config::Program& program) {
  if (!program.function.value.empty()) return object.program(program.function.value);
  return object.programs.size() == 1 ? object.programs.data() : nullptr;
}

}  // namespace

std::vector<ImpliedTail> add_implied_programs(config::Config& config) {
  Objects objects(config);
  std::vector<ImpliedTail> implied;
  std::map<std::pair<std::string, std::string>, std::size_t> known;  // object and function -> program
  const auto function_at = [&](std::size_t i) -> const vm::LoadedProgram* {
    const vm::ElfObject* const object = objects.read(config.programs[i].object.value);
    return object == nullptr ? nullptr : function_of(*object, config.programs[i]);
  };
  for (std::size_t i = 0; i < config.programs.size(); ++i) {
    if (const auto* function = function_at(i))
      known.emplace(std::pair(config.programs[i].object.value, function->name), i);
  }
  std::set<std::pair<std::string, std::size_t>> seen;  // object and array
  for (std::size_t i = 0; i < config.programs.size() && i < UINT16_MAX; ++i) {
    const vm::LoadedProgram* const function = function_at(i);
    if (function == nullptr) continue;
    const config::Program user = config.programs[i];
    const vm::ElfObject& object = *objects.read(user.object.value);
    for (const std::size_t array : filled_arrays(object, *function)) {
      if (!seen.emplace(user.object.value, array).second) continue;
      for (const vm::MapDecl::Tail& tail : object.maps[array].tails) {
        const auto [at, fresh] = known.try_emplace(std::pair(user.object.value, tail.program), config.programs.size());
        if (fresh) {
          config::Program added{
              .name = {user.name.value.substr(0, user.name.value.find('/')) + "/" + tail.program, user.name.mark},
              .object = user.object,
              .function = {tail.program, user.object.mark},
              .type = user.type,
              .globals = {},
              .mark = user.mark};
          config.programs.push_back(std::move(added));
        }
        implied.push_back({.user = i, .map = object.maps[array].spec.name, .key = tail.key, .program = at->second});
      }
    }
  }
  return implied;
}

Result<void> fill_prog_arrays(const FixtureTarget& target, const vm::LoadedProgram& entry) {
  std::vector<const vm::LoadedProgram*> open{&entry};
  std::vector<bool> done(target.object.maps.size());
  while (!open.empty()) {
    const auto arrays = filled_arrays(target.object, *open.back());
    open.pop_back();
    for (const std::size_t i : arrays) {
      auto* const array = dynamic_cast<vm::ProgArray*>(target.maps[i].get());
      if (array == nullptr || done[i]) continue;
      done[i] = true;
      for (const vm::MapDecl::Tail& tail : target.object.maps[i].tails) {
        const std::string where = fmt::format("map {}[{}]", array->spec().name, tail.key);
        const auto slot = target.program(tail.program);
        if (!slot) return Error{ErrorCode::kProgram, slot.error().message}.in(where);
        if (const int status = array->set(tail.key, *slot); status != 0) {
          return Error{ErrorCode::kProgram,
                       fmt::format("{}: program {} cannot be there: {}", where, tail.program, std::strerror(-status))};
        }
        open.push_back(target.object.program(tail.program));
      }
    }
  }
  return {};
}

}  // namespace sluice::pipeline
