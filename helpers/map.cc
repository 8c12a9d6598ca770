#include "vm/maps/map.h"
#include "helpers/functions.h"

namespace sluice::helpers {
namespace {

vm::Map& map_at(Arg map) { return *reinterpret_cast<vm::Map*>(map); }
// Only of maps that the rows of push, pop and peek admit: all are a vm::Queue.
vm::Queue& queue_at(Arg map) { return static_cast<vm::Queue&>(map_at(map)); }
std::byte* writable_at(Arg address) { return reinterpret_cast<std::byte*>(address); }
const std::byte* memory_at(Arg address) { return reinterpret_cast<const std::byte*>(address); }

}  // namespace

Arg map_lookup_elem(Arg map, Arg key, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  return reinterpret_cast<Arg>(map_at(map).lookup(memory_at(key), env.cpu));
}

Arg map_lookup_percpu_elem(Arg map, Arg key, Arg cpu, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  const auto number = static_cast<std::uint32_t>(cpu);
  if (number >= map_at(map).cpus()) return 0;
  return reinterpret_cast<Arg>(map_at(map).lookup(memory_at(key), number));
}

Arg map_update_elem(Arg map, Arg key, Arg value, Arg flags, Arg, vm::ExecEnv& env) noexcept {
  const auto mode = static_cast<vm::UpdateMode>(flags);  // any number: the map refuses those it does not know
  return failed(map_at(map).update(memory_at(key), memory_at(value), mode, env.cpu));
}

Arg map_delete_elem(Arg map, Arg key, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  return failed(map_at(map).erase(memory_at(key)));
}

Arg map_push_elem(Arg map, Arg value, Arg flags, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  return failed(queue_at(map).push(memory_at(value), static_cast<vm::UpdateMode>(flags)));  // any number, as above
}

Arg map_pop_elem(Arg map, Arg value, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  return failed(queue_at(map).pop(writable_at(value)));
}

Arg map_peek_elem(Arg map, Arg value, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  return failed(queue_at(map).peek(writable_at(value)));
}

}  // namespace sluice::helpers
