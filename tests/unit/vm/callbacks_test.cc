// Helpers that call functions of the program back, in the interpreter.
#include <array>
#include <cerrno>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "vm/interpreter.h"
#include "vm/maps/map.h"

namespace sluice::vm {
namespace {

using testing_support::Maps;
using testing_support::TestFrame;
using testing_support::unverified;

constexpr HelperDesc kHelpers[] = {
    {.id = 164,
     .name = "for_each_map_elem",
     .args = {ArgKind::kConstMap, ArgKind::kCallback, ArgKind::kCallbackContext, ArgKind::kAnything},
     .effect = Effect::kCallback,
     .callback = CallbackKind::kForEach},
    {.id = 181,
     .name = "loop",
     .args = {ArgKind::kAnything, ArgKind::kCallback, ArgKind::kCallbackContext, ArgKind::kAnything},
     .effect = Effect::kCallback,
     .callback = CallbackKind::kLoop},
};

std::uint32_t run(const std::string& text, const Maps& maps = {}) {
  const VerifiedProgram program = unverified(text, xdp_type(), maps);
  TestFrame frame("000102030405060708090a0b0c0d0800");
  ExecEnv env;
  const RunResult result = interpret(program, frame.context(), env, HelperTable(kHelpers), {.checked = true});
  EXPECT_FALSE(result.fault) << result.fault->what;
  return static_cast<std::uint32_t>(result.r0);
}

// Adds the number of each round to the sum at r10-8 of the program.
constexpr std::string_view kAddIndex = R"(
    add_index:
      ldxdw r3, [r2+0]
      add r3, r1
      stxdw [r2+0], r3
      mov r0, 0
      exit
)";

std::string loop(std::string_view rounds, std::string_view flags, std::string_view end) {
  std::string text = "stdw [r10-8], 0\nlddw_code r2, add_index\nmov r3, r10\nadd r3, -8\n";
  text += "lddw r1, " + std::string(rounds) + "\nmov r4, " + std::string(flags) + "\ncall loop\n";
  return text + std::string(end) + "exit\n" + std::string(kAddIndex);
}

TEST(Callbacks, LoopCallsForEachNumberBelowItsCount) {
  EXPECT_EQ(run(loop("10", "0", "ldxdw r0, [r10-8]\n")), 45U);
  EXPECT_EQ(run(loop("10", "0", "")), 10U);
  EXPECT_EQ(run(loop("0", "0", "")), 0U);
}

TEST(Callbacks, LoopRefusesFlagsAndTooManyRounds) {
  EXPECT_EQ(run(loop("10", "1", "")), static_cast<std::uint32_t>(-EINVAL));
  EXPECT_EQ(run(loop("0x800001", "0", "")), static_cast<std::uint32_t>(-E2BIG));
}

TEST(Callbacks, LoopEndsWithTheRoundThatReturnsOne) {
  EXPECT_EQ(run(R"(
      mov r1, 10
      lddw_code r2, stop
      mov r3, 0
      mov r4, 0
      call loop
      exit
    stop:
      mov r0, 0
      jne r1, 3, out
      mov r0, 1
    out:
      exit
  )"),
            4U);
}

TEST(Callbacks, KeepTheCallersRegistersAndNest) {
  EXPECT_EQ(run(R"(
      mov r6, 7
      stdw [r10-8], 0
      mov r1, 3
      lddw_code r2, outer
      mov r3, r10
      add r3, -8
      mov r4, 0
      call loop
      ldxdw r0, [r10-8]
      add r0, r6
      exit
    outer:
      mov r6, 100
      mov r3, r2
      mov r1, 5
      lddw_code r2, inner
      mov r4, 0
      call loop
      mov r0, 0
      exit
    inner:
      mov r6, 200
      ldxdw r3, [r2+0]
      add r3, 1
      stxdw [r2+0], r3
      mov r0, 0
      exit
  )"),
            22U);
}

TEST(Callbacks, ForEachHandsOverMapKeyAndValueOfEveryElement) {
  for (const MapType type : {MapType::kArray, MapType::kHash}) {
    Maps maps{make_map({.name = "m", .type = type, .key_size = 4, .value_size = 4, .max_entries = 4}, 1).value()};
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t value = 10 * i;
      const auto* const key = reinterpret_cast<const std::byte*>(&i);
      maps[0]->update(key, reinterpret_cast<const std::byte*>(&value), UpdateMode::kAny, 0);
    }
    // 6 of keys, 60 of values, 4 elements: each value is then its key.
    EXPECT_EQ(run(R"(
      stdw [r10-8], 0
      lddw_map r1, 0
      lddw_code r2, each
      mov r3, r10
      add r3, -8
      mov r4, 0
      call for_each_map_elem
      lsh r0, 16
      ldxdw r1, [r10-8]
      add r0, r1
      exit
    each:
      ldxw r5, [r2+0]
      ldxw r0, [r3+0]
      stxw [r3+0], r5
      add r5, r0
      ldxdw r0, [r4+0]
      add r0, r5
      stxdw [r4+0], r0
      mov r0, 0
      exit
  )",
                  maps),
              (4U << 16) + 66U);
    for (std::uint32_t i = 0; i < 4; ++i) {
      std::uint32_t value = 0;
      std::memcpy(&value, maps[0]->lookup(reinterpret_cast<const std::byte*>(&i), 0), sizeof value);
      EXPECT_EQ(value, i);
    }
  }
}

TEST(Callbacks, CheckedModeStopsAWriteIntoAKey) {
  const Maps maps{
      make_map({.name = "m", .type = MapType::kArray, .key_size = 4, .value_size = 4, .max_entries = 1}, 1).value()};
  const VerifiedProgram program = unverified(R"(
      lddw_map r1, 0
      lddw_code r2, each
      mov r3, 0
      mov r4, 0
      call for_each_map_elem
      exit
    each:
      stw [r2+0], 1
      mov r0, 0
      exit
  )",
                                             xdp_type(), maps);
  TestFrame frame("000102030405060708090a0b0c0d0800");
  ExecEnv env;
  const RunResult result = interpret(program, frame.context(), env, HelperTable(kHelpers), {.checked = true});
  ASSERT_TRUE(result.fault);
  EXPECT_EQ(result.fault->what, "4-byte write of an element's key");
}

}  // namespace
}  // namespace sluice::vm
