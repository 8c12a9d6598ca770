#include <cerrno>

#include "helpers/functions.h"
#include "vm/timers.h"

namespace sluice::helpers {
namespace {

std::byte* at(Arg timer) { return reinterpret_cast<std::byte*>(timer); }

}  // namespace

Arg timer_init(Arg timer, Arg map, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept {
  if (env.timers == nullptr) return failed(-EOPNOTSUPP);
  return failed(env.timers->init(at(timer), *reinterpret_cast<const vm::Map*>(map), flags));
}

// The last three arguments are the engine's (vm::Effect::kSetCallback).
Arg timer_set_callback(Arg timer, Arg function, Arg enter, Arg program, Arg helpers, vm::ExecEnv& env) noexcept {
  if (env.timers == nullptr) return failed(-EOPNOTSUPP);
  return failed(env.timers->set_callback(at(timer), {.enter = reinterpret_cast<vm::TimerCallback::Enter>(enter),
                                                     .function = function,
                                                     .program = reinterpret_cast<const void*>(program),
                                                     .helpers = reinterpret_cast<const void*>(helpers)}));
}

Arg timer_start(Arg timer, Arg ns, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept {
  if (env.timers == nullptr) return failed(-EOPNOTSUPP);
  return failed(env.timers->start(at(timer), ns, flags, env.clock));
}

Arg timer_cancel(Arg timer, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  if (env.timers == nullptr) return failed(-EOPNOTSUPP);
  return failed(env.timers->cancel(at(timer)));
}

}  // namespace sluice::helpers
