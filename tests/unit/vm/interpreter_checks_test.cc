// Checked mode: each thing a verified program must never do, seen and named.
#include "vm/interpreter_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/programs.h"

namespace sluice::vm {
namespace {

using testing::HasSubstr;
using testing_support::fake_helpers;
using testing_support::Maps;
using testing_support::TestArray;
using testing_support::TestFrame;
using testing_support::TestProgArray;
using testing_support::unverified;

std::string fault_of(const VerifiedProgram& program, std::uint64_t max_insns = 10'000) {
  TestFrame frame("000102030405060708090a0b0c0d0800 4500");
  ExecEnv env;
  const InterpreterOptions options{.checked = true, .max_insns = max_insns};
  std::vector<std::byte> memory(16);
  const RunResult result =
      program.program().type->context == ContextKind::kXdp
          ? interpret(program, frame.context(), env, fake_helpers(), options)
          : interpret(program, MemoryContext{memory.data(), memory.size()}, env, fake_helpers(), options);
  if (!result.fault) return "";
  EXPECT_EQ(result.r0, 0U);
  EXPECT_EQ(result.fault->program, "test");
  return std::to_string(result.fault->insn) + ": " + result.fault->what;
}

std::string fault_of(std::string_view text, const ProgramType& type = xdp_type(), Maps maps = {}) {
  return fault_of(unverified(text, type, std::move(maps)));
}

// The same with facts changed by `change`.
template <typename Change>
std::string fault_with(std::string_view text, Change change, const ProgramType& type = xdp_type(), Maps maps = {}) {
  LoadedProgram program = testing_support::program_from_asm(text, type, std::move(maps));
  Facts facts = testing_support::permissive_facts(program);
  change(facts);
  return fault_of(unverified(std::move(program), std::move(facts)));
}

constexpr std::string_view kOutside = "outside everything the program owns";

TEST(CheckedMode, SeesAccessesOutsideThePacket) {
  EXPECT_EQ(fault_of("ldxw r2, [r1]\nldxh r0, [r2+16]\nexit"), "");
  EXPECT_THAT(fault_of("ldxw r2, [r1]\nldxh r0, [r2+17]\nexit"), HasSubstr(kOutside));
  EXPECT_THAT(fault_of("ldxw r2, [r1]\nldxb r0, [r2-1]\nexit"), HasSubstr(kOutside));
  EXPECT_THAT(fault_of("ldxw r2, [r1]\nstxb [r2+18], r2\nexit"), HasSubstr("1: 1-byte write"));
  EXPECT_THAT(fault_of("ldxw r2, [r1+4]\nldxb r0, [r2]\nexit"), HasSubstr(kOutside));
}

TEST(CheckedMode, SeesAccessesOutsideTheStack) {
  EXPECT_EQ(fault_of("stdw [r10-512], 1\nmov r0, 0\nexit"), "");
  EXPECT_THAT(fault_of("stdw [r10-516], 1\nmov r0, 0\nexit"), HasSubstr(kOutside));
  EXPECT_THAT(fault_of("stb [r10], 1\nmov r0, 0\nexit"), HasSubstr(kOutside));
  const auto small = [](Facts& facts) { facts.frame_bytes = {16}; };
  EXPECT_EQ(fault_with("stdw [r10-16], 1\nmov r0, 0\nexit", small), "");
  EXPECT_THAT(fault_with("stdw [r10-24], 1\nmov r0, 0\nexit", small), HasSubstr(kOutside));
}

TEST(CheckedMode, SeesStackBytesNobodyWrote) {
  const auto none = [](Facts& facts) { facts.slots_to_clear = {0}; };
  EXPECT_THAT(fault_with("stw [r10-8], 1\nldxdw r0, [r10-8]\nexit", none),
              HasSubstr("1: reads the stack byte at r10-4 that nobody wrote"));
  EXPECT_EQ(fault_with("stdw [r10-8], 1\nldxdw r0, [r10-8]\nexit", none), "");
  EXPECT_EQ(fault_with("mov r1, r10\nadd r1, -8\nmov r2, 8\nmov r3, 0\ncall 1001\nldxdw r0, [r10-8]\nexit", none), "");
  EXPECT_THAT(fault_with("mov r1, r10\nadd r1, -8\nmov r2, 8\ncall 1002\nexit", none), HasSubstr("nobody wrote"));
}

TEST(CheckedMode, ForgetsTheStackOfACallThatReturned) {
  EXPECT_THAT(fault_of("call_local sub\nldxdw r0, [r0]\nexit\nsub: mov r0, r10\nadd r0, -8\nstdw [r0], 1\nexit"),
              HasSubstr(kOutside));
}

TEST(CheckedMode, SeesAccessesOutsideMemory) {
  EXPECT_EQ(fault_of("ldxdw r0, [r1+8]\nexit", memory_type()), "");
  EXPECT_THAT(fault_of("ldxdw r0, [r1+9]\nexit", memory_type()), HasSubstr(kOutside));
  EXPECT_THAT(fault_of("mov r3, 0\nldxdw r0, [r3]\nexit", memory_type()), HasSubstr(kOutside));
}

TEST(CheckedMode, SeesOtherUsesOfTheContext) {
  EXPECT_THAT(fault_of("ldxdw r0, [r1]\nexit"), HasSubstr("8-byte read of the context at offset 0"));
  EXPECT_THAT(fault_of("ldxh r0, [r1+12]\nexit"), HasSubstr("2-byte read of the context at offset 12"));
  EXPECT_THAT(fault_of("ldxw r0, [r1+2]\nexit"), HasSubstr("offset 2, where no field"));
  EXPECT_THAT(fault_of("ldxw r0, [r1+20]\nexit"), HasSubstr("offset 20, where no field"));
  EXPECT_THAT(fault_of("ldxw r0, [r1+24]\nexit"), HasSubstr(kOutside));
  EXPECT_THAT(fault_of("stw [r1+12], 4\nexit"), HasSubstr(kOutside));
}

TEST(CheckedMode, SeesMisalignedAtomics) {
  EXPECT_THAT(fault_of("stdw [r10-16], 0\nstdw [r10-8], 0\nmov r3, 1\natomic_add64 [r10-12], r3\nexit"),
              HasSubstr("not aligned"));
}

constexpr std::string_view kLookup = "stw [r10-4], 1\nlddw_map r1, 0\nmov r2, r10\nadd r2, -4\ncall map_lookup_elem\n";

TEST(CheckedMode, OwnsOnlyMapValuesThatWereLookedUp) {
  const auto map = std::make_shared<TestArray>(16, 4);
  EXPECT_EQ(fault_of(std::string(kLookup) + "ldxdw r3, [r0+8]\nmov r0, 1\nexit", xdp_type(), {map}), "");
  EXPECT_THAT(fault_of(std::string(kLookup) + "ldxdw r3, [r0+9]\nexit", xdp_type(), {map}), HasSubstr(kOutside));
  EXPECT_THAT(fault_of(std::string(kLookup) + "ldxdw r3, [r0-8]\nexit", xdp_type(), {map}), HasSubstr(kOutside));
  EXPECT_EQ(fault_of("lddw_map_value r1, 0, 4\nldxw r3, [r1+8]\nmov r0, 1\nexit", xdp_type(), {map}), "");
  EXPECT_THAT(fault_of("lddw_map_value r1, 0, 4\nldxw r3, [r1+12]\nexit", xdp_type(), {map}), HasSubstr(kOutside));
  EXPECT_THAT(fault_of("lddw_map r1, 0\nldxw r3, [r1]\nexit", xdp_type(), {map}), HasSubstr(kOutside));
}

TEST(CheckedMode, RespectsTheAccessFlagsOfMaps) {
  const auto readonly = std::make_shared<TestArray>(8, 2, kMapReadOnlyProg);
  const auto writeonly = std::make_shared<TestArray>(8, 2, kMapWriteOnlyProg);
  const auto frozen = std::make_shared<TestArray>(8, 2);
  frozen->freeze();
  const std::string read = std::string(kLookup) + "ldxw r3, [r0]\nmov r0, 1\nexit";
  const std::string write = std::string(kLookup) + "stw [r0], 1\nmov r0, 1\nexit";
  EXPECT_EQ(fault_of(read, xdp_type(), {readonly}), "");
  EXPECT_EQ(fault_of(read, xdp_type(), {frozen}), "");
  EXPECT_EQ(fault_of(write, xdp_type(), {writeonly}), "");
  EXPECT_THAT(fault_of(write, xdp_type(), {readonly}), HasSubstr("which its flags forbid"));
  EXPECT_THAT(fault_of(write, xdp_type(), {frozen}), HasSubstr("which its flags forbid"));
  EXPECT_THAT(fault_of(read, xdp_type(), {writeonly}), HasSubstr("which its flags forbid"));
}

TEST(CheckedMode, ChecksHelperArgumentsByTheirRow) {
  const auto map = std::make_shared<TestArray>(16, 4);
  const auto programs = std::make_shared<TestProgArray>(1);
  const auto with = [&](std::string_view text) { return fault_of(text, xdp_type(), {map, programs}); };
  EXPECT_THAT(with("mov r1, r10\nmov r2, r10\nadd r2, -4\ncall map_lookup_elem\nexit"),
              HasSubstr("map_lookup_elem, argument 1: the map argument is no map of the program"));
  EXPECT_THAT(with("lddw_map r1, 0\nmov r2, r10\nadd r2, -2\ncall map_lookup_elem\nexit"),
              HasSubstr("map_lookup_elem, argument 2: 4-byte read"));
  EXPECT_THAT(with("lddw_map r1, 0\nmov r2, r10\nadd r2, -4\nmov r3, r10\nadd r3, -8\nmov r4, 0\n"
                   "call map_update_elem\nexit"),
              HasSubstr("map_update_elem, argument 3: 16-byte read"));
  EXPECT_THAT(with("mov r1, r10\nadd r1, -8\nmov r2, 9\nmov r3, 0\ncall 1001\nexit"),
              HasSubstr("fill, argument 1: 9-byte write"));
  EXPECT_THAT(with("mov r1, r10\nmov r2, 0\nmov r3, 0\ncall 1001\nexit"),
              HasSubstr("argument 2: a size argument is 0"));
  EXPECT_EQ(with("mov r1, 0\nmov r2, 0\ncall 1002\nexit"), "");
  EXPECT_THAT(with("mov r1, 8\nmov r2, 8\ncall 1002\nexit"), HasSubstr("sum, argument 1: 8-byte read"));
  EXPECT_THAT(with("mov r1, r10\nlddw_map r2, 1\nmov r3, 0\ncall tail_call\nexit"),
              HasSubstr("the context argument is not the context"));
  EXPECT_THAT(with("lddw_map r2, 0\nmov r3, 0\ncall tail_call\nexit"), HasSubstr("does not take a map of type 2"));
  EXPECT_EQ(with("mov r6, r1\nmov r2, -4\ncall xdp_adjust_head\nldxw r2, [r6]\nstw [r2], 0\nmov r0, 1\nexit"), "");
}

TEST(CheckedMode, SeesWhatNeverEndsOrLeavesTheProgram) {
  EXPECT_THAT(fault_of("again: mov r0, 1\nja again"), HasSubstr("does not end"));
  EXPECT_THAT(fault_of("mov r0, 1"), HasSubstr("1: runs past the end of the program"));
  EXPECT_THAT(fault_of("?? ff00000000000000"), HasSubstr("is no instruction"));
  EXPECT_THAT(fault_of("lddw_map r1, 3\nexit"), HasSubstr("names a map that is not there"));
  EXPECT_THAT(fault_of("lddw_map_value r1, 3, 0\nexit"), HasSubstr("names the value of a map that has none"));
  EXPECT_THAT(fault_of("self: call_local self\nexit"), HasSubstr("needs too much stack"));
  EXPECT_THAT(fault_with("self: call_local self\nexit", [](Facts& facts) { facts.frame_bytes = {0}; }),
              HasSubstr("calls too deeply"));
}

TEST(CheckedMode, RegistersThatCallsTakeHoldNothingUseful) {
  EXPECT_THAT(fault_of("mov r6, r10\nmov r1, r10\ncall get_smp_processor_id\nstdw [r1-8], 1\nexit"),
              HasSubstr(kOutside));
}

// --- what the facts say ---

TEST(CheckedFacts, SeesUnreachableCodeRun) {
  EXPECT_EQ(fault_with("mov r0, 1\nexit", [](Facts& facts) { facts.insns[1].reachable = false; }),
            "1: runs an instruction that the verifier calls unreachable");
}

TEST(CheckedFacts, SeesVerdictsThatMayNotBe) {
  const auto only_pass = [](Facts& facts) { facts.may_return = 1U << 2; };
  EXPECT_EQ(fault_with("mov r0, 2\nexit", only_pass), "");
  EXPECT_EQ(fault_with("mov r0, 1\nexit", only_pass), "1: returns 1, which the facts say it never does");
  EXPECT_EQ(fault_with("mov r0, -1\nexit", only_pass), "1: returns 4294967295, which the facts say it never does");
  EXPECT_EQ(fault_with("mov r0, 77\nexit", [](Facts& facts) { facts.may_return = 1U << 31; }), "");
}

TEST(CheckedFacts, SeesRegistersOutsideTheirClaims) {
  const auto claim = [](RegisterClaim c) {
    return [c](Facts& facts) {
      facts.claims.assign(facts.insns.size(), {});
      facts.claims[1][3] = c;
    };
  };
  using Kind = RegisterClaim::Kind;
  constexpr std::string_view kText = "mov r3, 6\nmov r0, 1\nexit";
  EXPECT_EQ(fault_with(kText, claim({.kind = Kind::kScalar,
                                     .umin = 6,
                                     .umax = 6,
                                     .smin = 6,
                                     .smax = 6,
                                     .known_value = 6,
                                     .unknown_mask = 0})),
            "");
  EXPECT_EQ(fault_with(kText, claim({.kind = Kind::kNothing, .umin = 9, .umax = 9})), "");
  EXPECT_THAT(fault_with(kText, claim({.kind = Kind::kScalar, .umin = 7})), HasSubstr("1: r3=0x6 lies outside"));
  EXPECT_THAT(fault_with(kText, claim({.kind = Kind::kScalar, .umax = 5})), HasSubstr("r3=0x6 lies outside"));
  EXPECT_THAT(fault_with(kText, claim({.kind = Kind::kScalar, .smin = 7})), HasSubstr("r3=0x6 lies outside"));
  EXPECT_THAT(fault_with(kText, claim({.kind = Kind::kScalar, .smax = -1})), HasSubstr("r3=0x6 lies outside"));
  EXPECT_THAT(fault_with(kText, claim({.kind = Kind::kScalar, .known_value = 1, .unknown_mask = ~std::uint64_t{1}})),
              HasSubstr("r3=0x6 lies outside"));
}

TEST(CheckedFacts, SeesOtherRegionsAndOffsets) {
  const auto fact = [](Region region, std::int64_t least, std::int64_t most) {
    return [=](Facts& facts) {
      facts.insns[1].region = region;
      facts.insns[1].min_offset = least;
      facts.insns[1].max_offset = most;
    };
  };
  constexpr std::string_view kPacket = "ldxw r2, [r1]\nldxh r0, [r2+12]\nexit";
  EXPECT_EQ(fault_with(kPacket, fact(Region::kPacket, 12, 12)), "");
  EXPECT_THAT(fault_with(kPacket, fact(Region::kPacket, 13, 20)), HasSubstr("offset 12, the facts say 13..20"));
  EXPECT_THAT(fault_with(kPacket, fact(Region::kPacket, 0, 11)), HasSubstr("offset 12, the facts say 0..11"));
  EXPECT_THAT(fault_with(kPacket, fact(Region::kStack, 12, 12)),
              HasSubstr("touches the packet, the facts say the stack"));
  EXPECT_EQ(fault_with("mov r0, 1\nstw [r10-4], 1\nexit", fact(Region::kStack, -4, -4)), "");
  EXPECT_THAT(fault_with("mov r0, 1\nstw [r10-4], 1\nexit", fact(Region::kMapValue, -4, -4)),
              HasSubstr("touches the stack, the facts say a map value"));
  EXPECT_EQ(fault_with("mov r0, 1\nldxw r2, [r1+12]\nexit", fact(Region::kContext, 12, 12)), "");
  EXPECT_THAT(fault_with("mov r0, 1\nldxw r2, [r1+12]\nexit", fact(Region::kContext, 16, 16)),
              HasSubstr("touches the context at offset 12"));
  EXPECT_EQ(fault_with("mov r0, 1\nldxw r2, [r1+12]\nexit", fact(Region::kMemory, 12, 12), memory_type()), "");
  EXPECT_THAT(fault_with("mov r0, 1\nldxw r2, [r1+12]\nexit", fact(Region::kPacketMeta, 12, 12), memory_type()),
              HasSubstr("touches the program's memory, the facts say the packet's metadata"));
}

TEST(CheckedFacts, SeesOtherMapsAndKeys) {
  const Maps maps{std::make_shared<TestArray>(16, 4), std::make_shared<TestArray>(16, 4)};
  const std::string text = std::string(kLookup) + "ldxw r3, [r0+4]\nmov r0, 1\nexit";  // call is 5, load 6
  const auto with = [&](std::size_t slot, std::int32_t map, std::int64_t key) {
    return fault_with(
        text,
        [=](Facts& facts) {
          facts.insns[slot].map = map;
          facts.insns[slot].key_constant = key;
          if (slot == 6) facts.insns[slot].region = Region::kMapValue;
          facts.insns[slot].max_offset = 8;
        },
        xdp_type(), maps);
  };
  EXPECT_EQ(with(5, 0, 1), "");
  EXPECT_THAT(with(5, 1, -1), HasSubstr("5: the map argument is not map 1"));
  EXPECT_THAT(with(5, 0, 2), HasSubstr("5: the key is 0x1, the facts say 0x2"));
  EXPECT_EQ(with(6, 0, -1), "");
  EXPECT_THAT(with(6, 1, -1), HasSubstr("6: touches map 'test_array', the facts say map 1"));
}

TEST(CheckedFacts, SeesUpperHalvesThatAreNotZero) {
  const auto zero = [](Facts& facts) { facts.insns[0].upper_zero = true; };
  EXPECT_EQ(fault_with("mov r0, 1\nexit", zero), "");
  EXPECT_THAT(fault_with("mov r0, -1\nexit", zero), HasSubstr("has an upper half"));
}

}  // namespace
}  // namespace sluice::vm
