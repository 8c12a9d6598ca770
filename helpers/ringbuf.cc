#include "vm/maps/ringbuf.h"
#include "helpers/functions.h"

#include <cerrno>

namespace sluice::helpers {
namespace {

constexpr Arg kWakeupFlags = 3;  // BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP: readers here poll

// Only of maps that the rows admit: nothing else is a vm::Ringbuf.
vm::Ringbuf& ring_at(Arg map) { return static_cast<vm::Ringbuf&>(*reinterpret_cast<vm::Map*>(map)); }

}  // namespace

Arg ringbuf_output(Arg map, Arg data, Arg bytes, Arg flags, Arg, vm::ExecEnv& /*env*/) noexcept {
  if ((flags & ~kWakeupFlags) != 0) return failed(-EINVAL);
  return failed(ring_at(map).output({reinterpret_cast<const std::byte*>(data), bytes}));
}

Arg ringbuf_reserve(Arg map, Arg bytes, Arg flags, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  return flags != 0 ? 0 : reinterpret_cast<Arg>(ring_at(map).reserve(bytes));
}

Arg ringbuf_submit(Arg record, Arg /*flags*/, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  vm::Ringbuf::submit(reinterpret_cast<std::byte*>(record));
  return 0;
}

Arg ringbuf_discard(Arg record, Arg /*flags*/, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  vm::Ringbuf::discard(reinterpret_cast<std::byte*>(record));
  return 0;
}

Arg ringbuf_query(Arg map, Arg what, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept { return ring_at(map).query(what); }

}  // namespace sluice::helpers
