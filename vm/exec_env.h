#pragma once
// What a worker hands to every engine and helper (sixth argument, r9): no globals, no thread_local.
// One a worker, touched by that worker's thread only. The JIT addresses members with offsetof.
#include <cstdint>
#include <ctime>
#include <string_view>
#include <type_traits>

namespace sluice::vm {

class Fib;
class Sockets;
class Timers;
struct SynCookieKeys;
struct XdpContext;

// Nanoseconds for bpf_ktime_get_ns and its siblings: one of the system's clocks, or a time that replay sets (never
// backwards), the same for all of them.
struct Clock {
  bool is_virtual = false;
  std::uint64_t virtual_ns = 0;

  // `which` is one of those that the vDSO reads without a system call.
  [[nodiscard]] std::uint64_t now_ns(clockid_t which = CLOCK_MONOTONIC) const noexcept {
    if (is_virtual) return virtual_ns;
    timespec now{};
    clock_gettime(which, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
  }
};

// SplitMix64 (Steele, Lea, Flood 2014): one add and a mix a number, the same sequence for the same seed everywhere.
struct Prng {
  std::uint64_t state = 0;

  std::uint32_t next() noexcept {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
  }
};

// Where bpf_trace_printk goes. `line` is called by the worker and must not block or allocate.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void line(std::string_view text) noexcept = 0;  // formatted, without a forced line end
};

struct ExecEnv {
  std::uint32_t cpu = 0;  // what bpf_get_smp_processor_id returns; index of the per-CPU slots
  std::uint32_t worker = 0;
  std::uint32_t numa_node = 0;  // of the worker's core; what bpf_get_numa_node_id returns
  XdpContext* frame = nullptr;  // the frame being run; set by burst entries and interpreter, null for `exec` programs
  Clock clock;
  Prng prng;
  TraceSink* trace = nullptr;              // null = lines are thrown away
  const Fib* fib = nullptr;                // ports and routes; null = there is but the port the frame came in by
  Timers* timers = nullptr;                // those armed by this worker's programs; null = there are none, arming fails
  const Sockets* sockets = nullptr;        // what socket look-ups find; null = nothing
  const SynCookieKeys* cookies = nullptr;  // secrets of SYN cookies; null = fixed ones
};
static_assert(std::is_standard_layout_v<ExecEnv>);

}  // namespace sluice::vm
