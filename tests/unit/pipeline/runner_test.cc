#include "dataplane/pipeline/runner.h"

#include <gtest/gtest.h>

#include "tests/support/programs.h"

namespace sluice::pipeline {
namespace {

using testing_support::fake_helpers;
using testing_support::TestFrame;
using testing_support::TestProgArray;
using testing_support::unverified;

constexpr Engine kEngines[] = {Engine::kInterp, Engine::kJit};

TEST(Runner, EnginesHaveNames) {
  for (const Engine engine : kEngines) EXPECT_EQ(*engine_of(engine_name(engine)), engine);
  EXPECT_EQ(engine_of("opt").error().code, ErrorCode::kUsage);
  EXPECT_EQ(engine_of("").error().message, "unknown engine '', expected interp, jit or opt");
}

TEST(Runner, RunsABurstInOrder) {
  for (const Engine engine : kEngines) {
    const auto runner =
        Runner::make(unverified("ldxw r2, [r1]\nldxb r0, [r2]\nexit", vm::xdp_type()), engine, fake_helpers());
    ASSERT_TRUE(runner);
    TestFrame a("01");
    TestFrame b("02");
    vm::XdpContext frames[] = {a.context(), b.context()};
    std::uint32_t verdicts[2] = {};
    std::uint64_t insns = 99;
    vm::ExecEnv env;
    runner->burst(frames, 2, verdicts, env, &insns);
    EXPECT_EQ(verdicts[0], 1U);
    EXPECT_EQ(verdicts[1], 2U);
    EXPECT_EQ(insns, engine == Engine::kInterp ? 6U : 0U);
  }
}

TEST(Runner, RunsMemoryPrograms) {
  for (const Engine engine : kEngines) {
    const auto runner = Runner::make(unverified("ldxb r0, [r1]\nadd r0, r2\nexit"), engine, fake_helpers());
    ASSERT_TRUE(runner);
    std::byte memory[] = {std::byte{5}, std::byte{6}};
    vm::ExecEnv env;
    std::uint64_t insns = 99;
    EXPECT_EQ(runner->run_memory({memory, 2}, env, &insns), 7U);
    EXPECT_EQ(insns, engine == Engine::kInterp ? 3U : 0U);
  }
}

TEST(Runner, SlotsReachTheProgramFromProgArrays) {
  for (const Engine engine : kEngines) {
    const auto array = std::make_shared<TestProgArray>(1);
    const auto target = Runner::make(unverified("mov r0, 4\nexit", vm::xdp_type()), engine, fake_helpers());
    const auto caller =
        Runner::make(unverified("lddw_map r2, 0\nmov r3, 0\ncall tail_call\nmov r0, 1\nexit", vm::xdp_type(), {array}),
                     engine, fake_helpers());
    ASSERT_TRUE(target && caller);
    const vm::ProgramSlot slot = target->slot(9);
    array->set(0, &slot);
    TestFrame frame("00");
    std::uint32_t verdict = 0;
    vm::ExecEnv env;
    caller->burst(&frame.context(), 1, &verdict, env);
    EXPECT_EQ(verdict, 4U);
    EXPECT_EQ(frame.context().path[1], 9U);
    EXPECT_EQ(slot.entry != nullptr, engine == Engine::kJit);
    EXPECT_EQ(target->engine(), engine);
  }
}

}  // namespace
}  // namespace sluice::pipeline
