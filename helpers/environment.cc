#include "helpers/functions.h"

namespace sluice::helpers {

Arg ktime_get_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.clock.now_ns(); }

Arg get_prandom_u32(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.prng.next(); }

Arg get_smp_processor_id(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.cpu; }

}  // namespace sluice::helpers
