#include "tests/support/embedding.h"

#include <algorithm>
#include <array>
#include <random>

#include <fmt/format.h>

#include "tests/support/programs.h"
#include "vm/interpreter.h"
#include "vm/sockets.h"
#include "vm/timers.h"

namespace sluice::testing_support {
namespace {

constexpr unsigned kTimersAFrame = 8;

// Lets the program jump to itself for as long as it lives.
class TailCallsToItself {
 public:
  explicit TailCallsToItself(const vm::VerifiedProgram& program) : maps_(program.program().maps) {
    slot_.program = &program;
    fill(&slot_);
  }
  TailCallsToItself(const TailCallsToItself&) = delete;
  TailCallsToItself& operator=(const TailCallsToItself&) = delete;
  ~TailCallsToItself() { fill(nullptr); }

 private:
  void fill(const vm::ProgramSlot* slot) {
    for (const auto& map : maps_) {
      auto* const array = dynamic_cast<vm::ProgArray*>(map.get());
      for (std::uint32_t i = 0; array != nullptr && i < std::min(2U, array->spec().max_entries); ++i) {
        array->set(i, slot);
      }
    }
  }

  Maps maps_;
  vm::ProgramSlot slot_;
};

// Sockets for whoever asks with port 0, from anywhere, as many programs of the tests do.
const vm::Sockets& found_at_port_0() {
  static const vm::Sockets kSockets({
      {.socket = {.family = vm::kInet6, .type = 1, .protocol = vm::kTcp, .mark = 7}},
      {.socket = {.type = 2, .protocol = vm::kUdp, .state = vm::SocketState::kClose}},
      {.socket = {.family = vm::kInet6, .type = 2, .protocol = vm::kUdp, .state = vm::SocketState::kClose}},
  });
  return kSockets;
}

vm::RunResult run(const vm::VerifiedProgram& program, const vm::HelperTable& helpers, const Bytes& bytes,
                  std::mt19937& random, vm::Timers* timers, vm::StepObserver* steps) {
  const vm::InterpreterOptions checked{.checked = true, .max_insns = 1'000'000, .steps = steps};
  vm::ExecEnv env;
  env.timers = timers;
  env.sockets = random() % 4 == 0 ? nullptr : &found_at_port_0();
  env.cpu = random() % 2;
  env.prng.state = random();
  env.clock = {.is_virtual = true, .virtual_ns = random()};
  if (program.program().type->context == vm::ContextKind::kMemory) {
    Bytes memory = bytes;
    return vm::interpret(program, vm::MemoryContext{memory.data(), memory.size()}, env, helpers, checked);
  }
  TestFrame frame(bytes, 256, random() % 2 == 0 ? 0 : 64);
  vm::XdpContext& context = frame.context();
  context.data_meta -= random() % 2 == 0 ? 0 : 4 * (random() % 9);
  context.ingress_ifindex = random() % 4 == 0 ? random() : random() % 24;
  context.rx_queue_index = random() % 4 == 0 ? random() : random() % 8;
  context.egress_ifindex = random() % 8;
  vm::RunResult result = vm::interpret(program, context, env, helpers, checked);
  if (!result.fault) result.fault = run_timers(helpers, env, checked);
  return result;
}

}  // namespace

std::optional<vm::Fault> run_timers(const vm::HelperTable& helpers, vm::ExecEnv& env,
                                    const vm::InterpreterOptions& checked) {
  if (env.timers == nullptr) return {};
  vm::DueTimer due;
  for (unsigned i = 0; i < kTimersAFrame && env.timers->next_due(INT64_MAX - 1, due); ++i) {
    const auto& program = *static_cast<const vm::VerifiedProgram*>(due.callback->program);
    vm::RunResult result =
        vm::interpret_callback(program, static_cast<std::uint32_t>(due.callback->function),
                               {reinterpret_cast<std::uint64_t>(due.map), reinterpret_cast<std::uint64_t>(due.key),
                                reinterpret_cast<std::uint64_t>(due.value)},
                               env, helpers, checked);
    if (result.fault) return std::move(result.fault);
    if (result.r0 != 0) return vm::Fault{program.name(), 0, "the callback of a timer returns something else than 0"};
  }
  env.timers->done();
  return {};
}

std::vector<Bytes> random_frames(std::uint32_t seed, std::size_t count) {
  static constexpr std::array<std::size_t, 10> kLengths{0, 1, 13, 14, 15, 19, 20, 21, 34, 64};
  std::mt19937 random(seed);
  std::vector<Bytes> frames(count);
  for (std::size_t i = 0; i < count; ++i) {
    frames[i].resize(i < kLengths.size() ? kLengths[i] : random() % 256);
    for (std::byte& byte : frames[i]) byte = static_cast<std::byte>(random() % 3 == 0 ? random() % 16 : random());
  }
  return frames;
}

std::string violation(const vm::VerifiedProgram& program, const vm::HelperTable& helpers, std::span<const Bytes> frames,
                      std::uint32_t seed, vm::StepObserver* steps) {
  std::mt19937 random(seed);
  const TailCallsToItself itself(program);
  vm::LocalTimers timers(program.program().maps);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const vm::RunResult result = run(program, helpers, frames[i], random, timers.get(), steps);
    if (result.fault) return fmt::format("frame {}: {} at insn {}", i, result.fault->what, result.fault->insn);
    const unsigned verdict = std::min<std::uint32_t>(static_cast<std::uint32_t>(result.r0), 31);
    if ((program.facts().may_return >> verdict & 1U) == 0) {
      return fmt::format("frame {}: it returns {}, which the facts exclude", i, result.r0);
    }
  }
  return {};
}

}  // namespace sluice::testing_support
