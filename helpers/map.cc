#include "vm/maps/map.h"
#include "helpers/functions.h"

namespace sluice::helpers {
namespace {

vm::Map& map_at(Arg map) { return *reinterpret_cast<vm::Map*>(map); }
const std::byte* memory_at(Arg address) { return reinterpret_cast<const std::byte*>(address); }

}  // namespace

Arg map_lookup_elem(Arg map, Arg key, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  return reinterpret_cast<Arg>(map_at(map).lookup(memory_at(key), env.cpu));
}

Arg map_update_elem(Arg map, Arg key, Arg value, Arg flags, Arg, vm::ExecEnv& env) noexcept {
  const auto mode = static_cast<vm::UpdateMode>(flags);  // any number: the map refuses those it does not know
  return failed(map_at(map).update(memory_at(key), memory_at(value), mode, env.cpu));
}

Arg map_delete_elem(Arg map, Arg key, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  return failed(map_at(map).erase(memory_at(key)));
}

}  // namespace sluice::helpers
