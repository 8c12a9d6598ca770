#include "helpers/functions.h"

namespace sluice::helpers {
namespace {

constexpr std::uint64_t kTickNs = 4'000'000;  // HZ is 250, as in the kernels of Debian and most others
constexpr std::uint64_t kFirstJiffy = 0x1'0000'0000 - 300 * 250;  // 32 bits overflow five minutes after boot, as there

}  // namespace

Arg ktime_get_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.clock.now_ns(); }

Arg ktime_get_boot_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.clock.now_ns(CLOCK_BOOTTIME); }

Arg ktime_get_coarse_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  return env.clock.now_ns(CLOCK_MONOTONIC_COARSE);
}

Arg ktime_get_tai_ns(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.clock.now_ns(CLOCK_TAI); }

Arg jiffies64(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  return kFirstJiffy + env.clock.now_ns(CLOCK_MONOTONIC_COARSE) / kTickNs;
}

Arg get_prandom_u32(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.prng.next(); }

Arg get_smp_processor_id(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.cpu; }

Arg get_numa_node_id(Arg, Arg, Arg, Arg, Arg, vm::ExecEnv& env) noexcept { return env.numa_node; }

}  // namespace sluice::helpers
