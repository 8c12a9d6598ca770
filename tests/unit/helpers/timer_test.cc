// Timers: sequences of calls on both engines and in the running kernel, which must return the same call by call, and
// what the callbacks do when they are due.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <random>

#include <fmt/format.h>

#include "jit/jit.h"
#include "tests/support/bpf_syscall.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "tests/verifier/kernel.h"
#include "verifier/verifier.h"
#include "vm/interpreter.h"
#include "vm/maps/map.h"
#include "vm/timers.h"

namespace sluice::helpers::testing {
namespace {

constexpr unsigned kResults = 16;
using Results = std::array<std::int64_t, kResults>;

constexpr std::string_view kFar = "10000000000";  // ns: not while a test runs
// One line each: leaves what the call returned in r0. r6 is the value, its timer is first; r7 the results.
std::string init(std::string_view flags = "1") {
  return fmt::format("mov r1, r6\nlddw_map r2, 0\nlddw r3, {}\ncall timer_init\n", flags);
}
std::string set(std::string_view function = "count") {
  return fmt::format("mov r1, r6\nlddw_code r2, {}\ncall timer_set_callback\n", function);
}
std::string start(std::string_view ns = kFar, std::string_view flags = "0") {
  return fmt::format("mov r1, r6\nlddw r2, {}\nlddw r3, {}\ncall timer_start\n", ns, flags);
}
std::string cancel() { return "mov r1, r6\ncall timer_cancel\n"; }
// Another value in the element's place; then r6 is that.
std::string update(std::string_view flags = "0") {
  return fmt::format(
      "lddw_map r1, 0\nmov r2, r10\nadd r2, -4\nmov r3, r10\nadd r3, -40\nmov r4, {}\ncall map_update_elem\n"
      "mov r8, r0\nlddw_map r1, 0\nmov r2, r10\nadd r2, -4\ncall map_lookup_elem\njeq r0, 0, out\nmov r6, r0\n"
      "mov r0, r8\n",
      flags);
}
std::string erase() { return "lddw_map r1, 0\nmov r2, r10\nadd r2, -4\ncall map_delete_elem\n"; }
// The result, for later.
std::string keep(unsigned place) { return fmt::format("stxdw [r7+{}], r0\n", 8 * place); }

// Functions that timers call: `count` adds 1 to the last result, `again` arms itself once more, `within` tries what may
// be done from within, `goes` deletes its own element, `loops` calls another function back.
struct Function {
  std::string_view name, text;
};
constexpr Function kFunctions[] = {
    {"count", R"(
    count:
      lddw_map_value r4, 1, 120
      ldxdw r5, [r4+0]
      add r5, 1
      stxdw [r4+0], r5
      mov r0, 0
      exit
)"},
    {"again", R"(
    again:
      lddw_map_value r4, 1, 120
      ldxdw r5, [r4+0]
      add r5, 1
      stxdw [r4+0], r5
      jgt r5, 3, enough
      mov r1, r3
      mov r2, 0
      mov r3, 0
      call timer_start
    enough:
      mov r0, 0
      exit
)"},
    {"within", R"(
    within:
      mov r6, r3
      ldxw r8, [r2+0]
      lddw_map_value r7, 1, 0
      stxdw [r7+64], r8
      mov r1, r6
      call timer_cancel
      stxdw [r7+72], r0
      mov r1, r6
      lddw_map r2, 0
      mov r3, 1
      call timer_init
      stxdw [r7+80], r0
      mov r1, r6
      lddw r2, 10000000000
      mov r3, 0
      call timer_start
      stxdw [r7+88], r0
      ldxdw r5, [r7+120]
      add r5, 1
      stxdw [r7+120], r5
      mov r0, 0
      exit
)"},
    {"goes", R"(
    goes:
      mov r6, r3
      lddw_map_value r7, 1, 0
      call map_delete_elem
      stxdw [r7+72], r0
      mov r1, r6
      call timer_cancel
      stxdw [r7+80], r0
      mov r1, r6
      mov r2, 0
      mov r3, 0
      call timer_start
      stxdw [r7+88], r0
      ldxdw r5, [r7+120]
      add r5, 1
      stxdw [r7+120], r5
      mov r0, 0
      exit
)"},
    {"loops", R"(
    loops:
      mov r6, r3
      mov r7, r2
      stdw [r10-8], 0
      mov r1, 5
      lddw_code r2, add
      mov r3, r10
      add r3, -8
      mov r4, 0
      call loop
      ldxw r1, [r7+0]
      mul r0, r1
      ldxdw r1, [r10-8]
      add r0, r1
      lddw_map_value r1, 1, 120
      stxdw [r1+0], r0
      mov r0, 0
      exit
    add:
      mov r6, 77
      mov r7, 78
      ldxdw r3, [r2+0]
      add r3, r1
      stxdw [r2+0], r3
      mov r0, 0
      exit
)"},
};

// `calls` on the element 3, with the functions they name: nobody comes to others, which the kernel does not like.
std::string program_of(const std::string& calls) {
  std::string text =
      "lddw_map_value r7, 1, 0\nstw [r10-4], 3\nstdw [r10-40], 0\nstdw [r10-32], 0\nstdw [r10-24], 0\n"
      "lddw_map r1, 0\nmov r2, r10\nadd r2, -4\ncall map_lookup_elem\njne r0, 0, there\nmov r0, 1\nexit\n"
      "there: mov r6, r0\n" +
      calls + "out: mov r0, 2\nexit\n";
  for (const Function& function : kFunctions) {
    if (calls.find(fmt::format("r2, {}\n", function.name)) != std::string::npos) text += function.text;
  }
  return text;
}

class TimerTest : public HelperTest {
 protected:
  // What the program keeps, and what callbacks do that are due shortly after it. The engines must agree, and the kernel
  // where bpf(2) is permitted.
  Results run(const std::string& calls, vm::MapType type = vm::MapType::kArray, bool waits = false) {
    SCOPED_TRACE(calls);
    calls_ += 2;
    const std::string text = program_of(calls);
    const Results interpreted = on_engine(text, type, false);
    EXPECT_EQ(interpreted, on_engine(text, type, true)) << "by the JIT";
    if (testing_support::bpf_permitted()) {
      EXPECT_EQ(interpreted, in_kernel(text, type, waits)) << "in the kernel";
    }
    return interpreted;
  }

 private:
  using Maps = std::vector<std::shared_ptr<vm::Map>>;

  static Maps make_maps(vm::MapType type) {
    return {std::move(*vm::make_map({.name = "timed",
                                     .type = type,
                                     .value_size = 24,
                                     .max_entries = 8,
                                     .special = {.lock = type == vm::MapType::kLruHash ? -1 : 16, .timer = 0}},
                                    1)),
            std::move(*vm::make_map({.name = "results", .value_size = 8 * kResults, .max_entries = 1}, 1))};
  }

  Results on_engine(const std::string& text, vm::MapType type, bool compiled) {
    const Maps maps = make_maps(type);
    const std::uint32_t key = 3;
    const std::array<std::byte, 24> zeros{};
    const auto* const at = reinterpret_cast<const std::byte*>(&key);
    EXPECT_EQ(maps[0]->update(at, zeros.data(), vm::UpdateMode::kAny, 0), 0);
    verifier::Outcome outcome =
        verifier::verify(testing_support::program_from_asm(text, vm::xdp_type(), maps), table());
    if (!outcome.accepted()) {
      ADD_FAILURE() << outcome.rejection().message << " at " << outcome.rejection().insn;
      return {};
    }
    const vm::VerifiedProgram program = std::move(outcome).take();
    const auto code = jit::compile(program, table());
    vm::LocalTimers timers(maps);
    env_.timers = timers.get();
    env_.clock = {.is_virtual = true, .virtual_ns = 1'000'000};
    Frame frame(Model::kNative, 60);
    if (compiled) {
      std::uint32_t verdict = 0;
      code->burst()(&frame.context, 1, &verdict, &env_);
      EXPECT_EQ(verdict, 2U);
    } else {
      const vm::RunResult result = vm::interpret(program, frame.context, env_, table(), {.checked = true});
      EXPECT_FALSE(result.fault) << result.fault->what;
      EXPECT_EQ(result.r0, 2U);
    }
    env_.timers->run_due(2'000'000, 100, env_);
    env_.timers = nullptr;
    return read(*maps[1]);
  }

  static Results read(vm::Map& map) {
    Results results{};
    const std::uint32_t first = 0;
    EXPECT_EQ(map.read(reinterpret_cast<const std::byte*>(&first), reinterpret_cast<std::byte*>(results.data())), 0);
    return results;
  }

  static Results in_kernel(const std::string& text, vm::MapType type, bool waits) {
    const Maps maps = make_maps(type);
    const testing_support::Descriptor timed(testing_support::kernel_map(*maps[0]));
    const testing_support::Descriptor kept(testing_support::kernel_map(*maps[1]));
    EXPECT_GE(timed.get(), 0);
    const std::uint32_t key = 3;
    const std::array<std::byte, 24> zeros{};
    bpf_attr attributes{};
    attributes.map_fd = static_cast<std::uint32_t>(timed.get());
    attributes.key = testing_support::address_of(&key);
    attributes.value = testing_support::address_of(zeros.data());
    EXPECT_EQ(testing_support::bpf(BPF_MAP_UPDATE_ELEM, attributes), 0);
    const std::array<int, 2> numbers{timed.get(), kept.get()};
    std::vector<char> log(65536);
    const testing_support::KernelProgram loaded(
        testing_support::kernel_load(testing_support::program_from_asm(text, vm::xdp_type(), maps), numbers, log));
    EXPECT_GE(loaded.fd(), 0) << log.data();
    EXPECT_EQ(loaded.run(Frame(Model::kLinux, 60).bytes()).retval, 2U);
    if (waits) usleep(50'000);
    Results results{};
    const std::uint32_t first = 0;
    attributes = {};
    attributes.map_fd = static_cast<std::uint32_t>(kept.get());
    attributes.key = testing_support::address_of(&first);
    attributes.value = testing_support::address_of(results.data());
    EXPECT_EQ(testing_support::bpf(BPF_MAP_LOOKUP_ELEM, attributes), 0);
    return results;
  }
};
using TimerInit = TimerTest;
using TimerSetCallback = TimerTest;
using TimerStart = TimerTest;
using TimerCancel = TimerTest;

TEST_F(TimerInit, TakesThreeClocksAndNothingElse) {
  for (const char* const clock : {"0", "1", "7"}) EXPECT_EQ(run(init(clock) + keep(0))[0], 0) << clock;
  for (const char* const flags : {"2", "3", "4", "5", "6", "8", "9", "11", "15", "16", "17", "0x100000001"}) {
    EXPECT_EQ(run(init(flags) + keep(0))[0], -EINVAL) << flags;
  }
}

TEST_F(TimerInit, OnceOnly) {
  const Results results = run(init() + keep(0) + init() + keep(1) + init("2") + keep(2));
  EXPECT_EQ(results[1], -EBUSY);
  EXPECT_EQ(results[2], -EINVAL);
}

TEST_F(TimerInit, AnewAfterTheElementWasReplaced) {
  for (const vm::MapType type : {vm::MapType::kArray, vm::MapType::kHash, vm::MapType::kLruHash}) {
    const Results results = run(init() + set() + start() + keep(0) + update() + keep(1) + start() + keep(2) + cancel() +
                                    keep(3) + init() + keep(4) + start() + keep(5) + cancel() + keep(6),
                                type);
    EXPECT_EQ(results[0], 0);
    EXPECT_EQ(results[2], -EINVAL);
    EXPECT_EQ(results[3], -EINVAL);
    EXPECT_EQ(results[4], 0);
    EXPECT_EQ(results[5], -EINVAL);
    EXPECT_EQ(results[6], 0);
  }
}

// Under the lock a value changes in its place. In an array that ends its timer as well, in a hash it does not.
TEST_F(TimerInit, AnewAfterAWriteUnderTheLockOfAnArrayOnly) {
  for (const vm::MapType type : {vm::MapType::kArray, vm::MapType::kHash}) {
    const Results results =
        run(init() + set() + start() + update("4") + keep(0) + start() + keep(1) + init() + keep(2), type);
    EXPECT_EQ(results[0], 0);
    EXPECT_EQ(results[1], type == vm::MapType::kArray ? -EINVAL : 0);
    EXPECT_EQ(results[2], type == vm::MapType::kArray ? 0 : -EBUSY);
  }
}

TEST_F(TimerSetCallback, NeedsATimerThatWasMade) {
  const Results results = run(set() + keep(0) + init() + set() + keep(1) + set("again") + keep(2));
  EXPECT_EQ(results[0], -EINVAL);
  EXPECT_EQ(results[1], 0);
  EXPECT_EQ(results[2], 0);
}

TEST_F(TimerSetCallback, TheLastOneCounts) {
  EXPECT_EQ(run(init() + set() + start("0") + set("again"), vm::MapType::kHash, true)[15], 4);
}

TEST_F(TimerStart, NeedsAFunctionAndKnownFlags) {
  const Results results = run(start() + keep(0) + init() + start() + keep(1) + set() + start() + keep(2) +
                              start(kFar, "4") + keep(3) + start(kFar, "0x100000000") + keep(4) +
                              start("0x7fffffffffffffff", "1") + keep(5) + start(kFar, "2") + keep(6));
  EXPECT_EQ(results[0], -EINVAL);
  EXPECT_EQ(results[1], -EINVAL);
  EXPECT_EQ(results[2], 0);
  EXPECT_EQ(results[3], -EINVAL);
  EXPECT_EQ(results[4], -EINVAL);
  EXPECT_EQ(results[5], 0);
  EXPECT_EQ(results[6], 0);
}

TEST_F(TimerStart, CallsOnceWhenItIsTime) {
  for (const vm::MapType type : {vm::MapType::kArray, vm::MapType::kHash, vm::MapType::kLruHash}) {
    EXPECT_EQ(run(init() + set() + start("1000"), type, true)[15], 1);
    EXPECT_EQ(run(init() + set() + start("1000") + start("0"), type, true)[15], 1) << "armed twice, called once";
    EXPECT_EQ(run(init() + set() + start("1000", "1"), type, true)[15], 1) << "long ago";
    EXPECT_EQ(run(init() + set() + start("1000") + start(), type, true)[15], 0) << "the later time counts";
  }
}

TEST_F(TimerStart, TimesBelowZeroNeverCome) {
  for (const char* const clock : {"0", "1", "7"}) {
    for (const char* const ns : {"0x8000000000000000", "0x8000000000000001", "0xffffffffffffffff"}) {
      EXPECT_EQ(run(init(clock) + set() + start(ns), vm::MapType::kArray, true)[15], 0) << ns;
      EXPECT_EQ(run(init(clock) + set() + start(ns, "1"), vm::MapType::kArray, true)[15], 0) << ns << " absolute";
    }
  }
}

TEST_F(TimerStart, CallsFunctionsThatCallBack) {
  EXPECT_EQ(run(init() + set("loops") + start("0"), vm::MapType::kHash, true)[15], 3 * 5 + 10);
}

TEST_F(TimerStart, AgainFromWithin) {
  EXPECT_EQ(run(init() + set("again") + start("0"), vm::MapType::kArray, true)[15], 4);
  EXPECT_EQ(run(init() + set("again") + start("0"), vm::MapType::kHash, true)[15], 4);
}

TEST_F(TimerCancel, TellsWhetherItWasArmedAndTakesTheFunctionAway) {
  const Results results =
      run(cancel() + keep(0) + init() + cancel() + keep(1) + set() + cancel() + keep(2) + set() + start() + cancel() +
          keep(3) + cancel() + keep(4) + start() + keep(5) + set() + start() + keep(6) + cancel() + keep(7));
  EXPECT_EQ(results[0], -EINVAL);
  EXPECT_EQ(results[1], 0);
  EXPECT_EQ(results[2], 0);
  EXPECT_EQ(results[3], 1);
  EXPECT_EQ(results[4], 0);
  EXPECT_EQ(results[5], -EINVAL);
  EXPECT_EQ(results[6], 0);
  EXPECT_EQ(results[7], 1);
}

TEST_F(TimerCancel, FromWithinIsADeadlock) {
  for (const vm::MapType type : {vm::MapType::kArray, vm::MapType::kHash, vm::MapType::kLruHash}) {
    const Results results = run(init() + set("within") + start("0"), type, true);
    EXPECT_EQ(results[8], 3) << "the key";
    EXPECT_EQ(results[9], -EDEADLK);
    EXPECT_EQ(results[10], -EBUSY);
    EXPECT_EQ(results[11], 0);
    EXPECT_EQ(results[15], 1);
  }
}

TEST_F(TimerCancel, OfAnElementThatDeletedItself) {
  const Results results = run(init() + set("goes") + start("0"), vm::MapType::kHash, true);
  EXPECT_EQ(results[9], 0);
  EXPECT_EQ(results[10], -EINVAL);
  EXPECT_EQ(results[11], -EINVAL);
  EXPECT_EQ(results[15], 1);
}

TEST_F(TimerCancel, OrADeletedElementIsNotCalled) {
  EXPECT_EQ(run(init() + set() + start("2000000") + cancel(), vm::MapType::kHash, true)[15], 0);
  EXPECT_EQ(run(init() + set() + start("500000") + erase(), vm::MapType::kHash)[15], 0);
  EXPECT_EQ(run(init() + set() + start("500000") + update(), vm::MapType::kHash)[15], 0);
  EXPECT_EQ(run(init() + set() + start("500000") + update(), vm::MapType::kArray)[15], 0);
}

// Whatever the order of the calls, each returns what it returns in the kernel.
TEST_F(TimerStart, ReturnsWhatTheKernelReturnsAfterAnyCalls) {
  const std::array<std::string, 8> kinds{init(),  init("16"),       set(),    set("again"),
                                         start(), start(kFar, "8"), cancel(), update()};
  std::mt19937 random(1);
  for (unsigned round = 0; round < 150; ++round) {
    std::string calls = random() % 2 == 0 ? init() + set() : "";
    for (unsigned i = 0; i < 12; ++i) calls += kinds[random() % kinds.size()] + keep(i);
    run(calls, round % 2 == 0 ? vm::MapType::kArray : vm::MapType::kHash);
  }
}

TEST_F(TimerInit, FailsWhereThereAreNoTimers) { EXPECT_EQ(call(nullptr, nullptr, 1), -EOPNOTSUPP); }
TEST_F(TimerSetCallback, FailsWhereThereAreNoTimers) { EXPECT_EQ(call(nullptr, nullptr), -EOPNOTSUPP); }
TEST_F(TimerStart, FailsWhereThereAreNoTimers) { EXPECT_EQ(call(nullptr, 1, 0), -EOPNOTSUPP); }
TEST_F(TimerCancel, FailsWhereThereAreNoTimers) { EXPECT_EQ(call(nullptr), -EOPNOTSUPP); }

}  // namespace
}  // namespace sluice::helpers::testing
