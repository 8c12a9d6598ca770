#include "jit/compile.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jit/lower.h"
#include "tests/support/programs.h"
#include "vm/maps/array_view.h"
#include "vm/maps/percpu_array_view.h"

namespace sluice::jit {
namespace {

using testing::HasSubstr;
using testing_support::fake_helpers;
using testing_support::permissive_facts;
using testing_support::program_from_asm;
using testing_support::TestFrame;
using testing_support::unverified;

CompiledProgram compiled(const vm::VerifiedProgram& program) {
  Result<CompiledProgram> result = compile(program, fake_helpers());
  if (!result) ADD_FAILURE() << result.error().message;
  return std::move(result).value();
}

std::uint64_t run(const vm::VerifiedProgram& program, std::span<std::byte> memory = {}, std::uint32_t cpu = 0) {
  vm::ExecEnv env{.cpu = cpu};
  return compiled(program).memory()(memory.data(), memory.size(), &env);
}

std::string error_of(const vm::VerifiedProgram& program) {
  const Result<CompiledProgram> result = compile(program, fake_helpers());
  if (result) return "";
  EXPECT_EQ(result.error().code, ErrorCode::kProgram);
  return result.error().message;
}

vm::LoadedProgram raw(std::vector<vm::Insn> insns) {
  vm::LoadedProgram program;
  program.type = &vm::memory_type();
  program.insns = std::move(insns);
  return program;
}

std::vector<std::uint32_t> burst(const vm::VerifiedProgram& program, std::vector<vm::XdpContext>& frames) {
  std::vector<std::uint32_t> verdicts(frames.size(), 0xdeadbeef);
  vm::ExecEnv env;
  compiled(program).burst()(frames.data(), static_cast<unsigned>(frames.size()), verdicts.data(), &env);
  return verdicts;
}

constexpr std::uint32_t kExit = 0x95;

TEST(Compile, AMemoryProgramGetsItsMemoryAndReturnsAll64Bits) {
  std::vector<std::byte> memory = testing_support::from_hex("0102030405060708");
  EXPECT_EQ(run(unverified("ldxdw r0, [r1]\nadd r0, r2\nexit"), memory), 0x0807060504030201U + 8);
}

TEST(Compile, KeepsTheCallersRegistersOfTheAbi) {
  const vm::VerifiedProgram program = unverified(
      "mov r6, 1\nmov r7, 2\nmov r8, 3\nmov r9, 4\nstxdw [r10-8], r6\nmov r0, r7\nadd r0, r8\nadd r0, r9\nexit");
  const CompiledProgram code = compiled(program);
  vm::ExecEnv env;
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < 8; ++i) sum += code.memory()(nullptr, i, &env);
  EXPECT_EQ(sum, 8 * 9U);
}

TEST(Compile, ABurstRunsEveryFrameInOrderAndStoresTheLow32Bits) {
  TestFrame a("010203"), b("0405"), c("06");
  std::vector<vm::XdpContext> frames = {a.context(), b.context(), c.context()};
  const char* const text = R"(
    ldxw r2, [r1+0]
    ldxw r3, [r1+4]
    ldxb r4, [r2]
    sub r3, r2
    lsh r3, 8
    lddw r0, 0xffffffff00000000
    or r0, r3
    or r0, r4
    exit)";
  EXPECT_THAT(burst(unverified(text, vm::xdp_type()), frames), testing::ElementsAre(0x301, 0x204, 0x106));
}

TEST(Compile, ABurstOfNoFramesDoesNothing) {
  std::vector<vm::XdpContext> none;
  EXPECT_TRUE(burst(unverified("mov r0, 1\nexit", vm::xdp_type()), none).empty());
}

TEST(Compile, AMoveAndASumAreOneInstruction) {
  const std::string numbers = "lddw r1, 0x1fffffff0\nlddw r2, 0x200000020\n";
  constexpr std::uint64_t kOne = 0x1fffffff0U, kTwo = 0x200000020U;
  EXPECT_EQ(run(unverified(numbers + "mov r0, r1\nadd r0, r2\nexit")), kOne + kTwo);
  EXPECT_EQ(run(unverified(numbers + "mov r0, r1\nadd r0, r1\nexit")), kOne + kOne);
  EXPECT_EQ(run(unverified(numbers + "mov r0, r1\nadd r0, -1\nexit")), kOne - 1);
  EXPECT_EQ(run(unverified(numbers + "mov r0, r1\nadd r0, r0\nexit")), kOne + kOne);
  EXPECT_EQ(run(unverified(numbers + "mov32 r0, r1\nadd32 r0, r2\nexit")), 0x10U);
  EXPECT_EQ(run(unverified(numbers + "mov32 r0, r1\nadd32 r0, 32\nexit")), 0x10U);
  EXPECT_EQ(run(unverified(numbers + "mov32 r0, r1\nadd32 r0, -1\nexit")), 0xffffffefU);
  EXPECT_EQ(run(unverified(numbers + "mov32 r0, r1\nadd r0, r2\nexit")), 0xfffffff0U + kTwo);
  EXPECT_EQ(run(unverified(numbers + "mov r0, r1\nadd32 r0, r2\nexit")), 0x10U);
  // What is known of the upper half afterwards: a 64-bit sum may fill it, a 32-bit one clears it.
  EXPECT_EQ(run(unverified(numbers + "mov32 r1, r1\nmov r0, r1\nadd r0, r1\nmov32 r0, r0\nexit")), 0xffffffe0U);
  EXPECT_EQ(run(unverified(numbers + "mov32 r0, r1\nadd32 r0, r2\nmov32 r0, r0\nexit")), 0x10U);
  const std::string jump = "mov r0, r1\njeq r1, 5, there\nmov r0, r2\nthere:\nadd r0, r1\nexit";  // the sum is a target
  EXPECT_EQ(run(unverified("mov r1, 5\nmov r2, 7\n" + jump)), 10U);
  EXPECT_EQ(run(unverified("mov r1, 6\nmov r2, 7\n" + jump)), 13U);
}

TEST(Compile, TheEnvironmentHoldsTheFrameBeingRun) {
  TestFrame a("010203"), b("0405060708");
  std::vector<vm::XdpContext> frames = {a.context(), b.context()};
  vm::ExecEnv env;
  std::vector<std::uint32_t> verdicts(2);
  compiled(unverified("mov r0, 2\nexit", vm::xdp_type())).burst()(frames.data(), 2, verdicts.data(), &env);
  EXPECT_EQ(env.frame, &frames[1]);
}

vm::VerifiedProgram context_load(std::int16_t offset, bool known, const vm::ProgramType& type = vm::xdp_type(),
                                 const std::string& load = "ldxw") {
  vm::LoadedProgram program = program_from_asm(load + " r0, [r1+" + std::to_string(offset) + "]\nexit", type);
  vm::Facts facts = permissive_facts(program);
  if (known) {
    facts.insns[0].region = vm::Region::kContext;
    facts.insns[0].min_offset = facts.insns[0].max_offset = offset;
  }
  return unverified(std::move(program), std::move(facts));
}

std::uint32_t context_value(const vm::VerifiedProgram& program) {
  TestFrame frame("0102");
  std::vector<vm::XdpContext> frames = {frame.context()};
  frames[0].data_meta -= 3;
  frames[0].ingress_ifindex = 11;
  frames[0].rx_queue_index = 12;
  frames[0].egress_ifindex = 13;
  const auto low = [](const std::byte* p) { return static_cast<std::uint32_t>(reinterpret_cast<std::uint64_t>(p)); };
  const std::uint32_t value = burst(program, frames)[0];
  if (value == low(frames[0].data)) return 1;
  if (value == low(frames[0].data_end)) return 2;
  if (value == low(frames[0].data_meta)) return 3;
  return value;
}

TEST(Compile, ReadsEveryContextFieldTheVerifierNamed) {
  for (const auto& [offset, value] : {std::pair{0, 1U}, {4, 2U}, {8, 3U}, {12, 11U}, {16, 12U}}) {
    EXPECT_EQ(context_value(context_load(static_cast<std::int16_t>(offset), true)), value) << offset;
  }
  EXPECT_EQ(context_value(context_load(20, true, vm::xdp_devmap_type())), 13U);
}

TEST(Compile, FindsContextFieldsAtRunTimeWhenNothingIsKnown) {
  for (const auto& [offset, value] : {std::pair{0, 1U}, {4, 2U}, {8, 3U}, {12, 11U}, {16, 12U}}) {
    EXPECT_EQ(context_value(context_load(static_cast<std::int16_t>(offset), false)), value) << offset;
  }
  EXPECT_EQ(context_value(context_load(20, false, vm::xdp_devmap_type())), 13U);
}

TEST(Compile, ASignExtendingLoadOfTheContextReadsTheFieldToo) {
  EXPECT_EQ(context_value(context_load(12, true, vm::xdp_type(), "ldxsw")), 11U);
  EXPECT_EQ(context_value(context_load(16, false, vm::xdp_type(), "ldxsw")), 12U);
}

TEST(Compile, AContextPointerMovedByTheProgramStillFindsItsField) {
  vm::LoadedProgram program = program_from_asm("mov r6, r1\nadd r6, 8\nldxw r0, [r6+4]\nexit", vm::xdp_type());
  vm::Facts facts = permissive_facts(program);
  facts.insns[2].region = vm::Region::kContext;
  facts.insns[2].min_offset = facts.insns[2].max_offset = 12;
  EXPECT_EQ(context_value(unverified(std::move(program), std::move(facts))), 11U);
}

TEST(Compile, RefusesAContextLoadThatIsNoField) {
  EXPECT_THAT(error_of(context_load(2, true)), HasSubstr("no field"));
  EXPECT_THAT(error_of(context_load(20, true)), HasSubstr("no field"));
}

TEST(Compile, ClearsTheSlotsTheFactsName) {
  const char* const text = "ldxdw r0, [r10-8]\nldxdw r2, [r10-24]\nor r0, r2\nldxdw r2, [r10-32]\nor r0, r2\nexit";
  vm::LoadedProgram program = program_from_asm(text);
  vm::Facts facts = permissive_facts(program);
  facts.frame_bytes = {32};
  facts.slots_to_clear = {0b1101};
  const vm::VerifiedProgram verified = unverified(std::move(program), std::move(facts));
  const vm::VerifiedProgram dirty = unverified(
      "mov r2, -1\nstxdw [r10-8], r2\nstxdw [r10-16], r2\nstxdw [r10-24], r2\nstxdw [r10-32], r2\nmov r0, 0\nexit");
  EXPECT_EQ(run(dirty), 0U);
  EXPECT_EQ(run(verified), 0U);
}

TEST(Compile, ClearsTheWholeStackWhenThereAreNoFacts) {
  std::string dirty = "mov r2, -1\n";
  std::string sum = "mov r0, 0\n";
  for (int at = 8; at <= 512; at += 8) {
    dirty += "stxdw [r10-" + std::to_string(at) + "], r2\n";
    sum += "ldxdw r2, [r10-" + std::to_string(at) + "]\nor r0, r2\n";
  }
  EXPECT_EQ(run(unverified(dirty + "mov r0, 0\nexit")), 0U);
  EXPECT_EQ(run(unverified(program_from_asm(sum + "exit"), vm::Facts{})), 0U);
}

TEST(Compile, PassesFiveArgumentsAndTheEnvironmentToHelpers) {
  EXPECT_EQ(run(unverified("mov r1, 1\nmov r2, 2\nmov r3, 3\nmov r4, 4\nmov r5, 5\ncall 1000\nexit")),
            1U + 6 + 15 + 28 + 55);
  EXPECT_EQ(run(unverified("call 8\nexit"), {}, 7), 7U);
}

TEST(Compile, KeepsR6ToR9AndR10OverHelperCalls) {
  EXPECT_EQ(run(unverified(R"(
    mov r6, 1
    mov r7, 20
    mov r8, 300
    mov r9, 4000
    stdw [r10-8], 50000
    mov r1, r10
    add r1, -64
    mov r2, 32
    mov r3, 255
    call 1001
    ldxdw r0, [r10-8]
    add r0, r6
    add r0, r7
    add r0, r8
    add r0, r9
    exit)")),
            54321U);
}

TEST(Compile, KeepsR6ToR9AndR10OverLocalCallsAtEveryLevel) {
  EXPECT_EQ(run(unverified(R"(
    mov r6, 1
    mov r7, 2
    stdw [r10-8], 100
    call_local one
    ldxdw r2, [r10-8]
    add r0, r2
    add r0, r6
    add r0, r7
    exit
    one:
    mov r6, 1000
    mov r8, 7
    stdw [r10-8], 77
    call_local two
    add r0, r6
    exit
    two:
    mov r6, 5
    mov r7, 5
    mov r8, 5
    mov r9, 5
    stdw [r10-8], 5
    mov r0, 10000
    exit)")),
            11103U);
}

TEST(Compile, OffsetsAscendAndEndWithTheCode) {
  const CompiledProgram code = compiled(unverified("lddw r0, 0x1122334455667788\nja next\nnext: exit\n"));
  ASSERT_EQ(code.offsets().size(), 5U);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_LE(code.offsets()[i - 1], code.offsets()[i]);
  EXPECT_EQ(code.offsets()[4], code.code().size());
}

TEST(Compile, JumpsReachTargetsThatAreFarAway) {
  for (const unsigned filling : {10U, 40U, 60U, 61U, 62U, 63U, 64U, 65U, 1000U, 60'000U}) {
    std::string text = "mov r0, 0\nmov r2, 0\njeq r2, 0, last\nexit\nback: add r0, 1\nexit\nlast:\n";
    vm::LoadedProgram program = program_from_asm(text + "mov r0, 0\nexit\n");
    // mov r0, 0; jeq r2, 0, over; add r0, 1 (many); over: jeq r2, 0, back
    std::vector<vm::Insn> insns = {
        {0xb7, 0, 0, 0, 0}, {0xb7, 2, 0, 0, 0}, {0x06, 0, 0, 0, static_cast<int>(filling) + 2}};
    insns.push_back({0x07, 0, 0, 0, 1000000});
    insns.push_back({static_cast<std::uint8_t>(kExit), 0, 0, 0, 0});
    for (unsigned i = 0; i < filling; ++i) insns.push_back({0x07, 0, 0, 0, 1});
    insns.push_back({0x06, 0, 0, 0, -static_cast<int>(filling) - 3});
    EXPECT_EQ(run(unverified(raw(std::move(insns)))), 1000000U) << filling;
  }
}

TEST(Compile, ConditionalJumpsOfEveryLengthNearTheLimitOfShortOnes) {
  for (int filling = 25; filling < 40; ++filling) {
    std::string text = "mov r0, 0\nmov r2, 3\nagain: sub r2, 1\njeq r2, 7, skip\n";
    for (int i = 0; i < filling; ++i) text += "add r0, 1\n";
    text += "skip: jne r2, 0, again\nexit\n";
    EXPECT_EQ(run(unverified(text)), 3U * static_cast<unsigned>(filling));
  }
}

TEST(Compile, TranslatesProgramsOfAMillionInstructions) {
  std::vector<vm::Insn> insns(1'000'000, vm::Insn{0x07, 0, 0, 0, 1});
  insns.front() = {0xb7, 0, 0, 0, 0};
  insns.back() = {static_cast<std::uint8_t>(kExit), 0, 0, 0, 0};
  EXPECT_EQ(run(unverified(raw(std::move(insns)))), 999'998U);
}

TEST(Compile, SkipsWhatTheVerifierFoundUnreachable) {
  vm::LoadedProgram program = raw({{0xb7, 0, 0, 0, 5}, {0x05, 0, 0, 1, 0}, {0xff, 0, 0, 0, 0}, {0x95, 0, 0, 0, 0}});
  vm::Facts facts = permissive_facts(program);
  facts.insns[2].reachable = false;
  EXPECT_EQ(run(unverified(std::move(program), std::move(facts))), 5U);
}

TEST(Compile, RefusesWhatIsNoInstruction) {
  EXPECT_THAT(error_of(unverified(raw({{0xff, 0, 0, 0, 0}}))), HasSubstr("RFC 9669"));
  EXPECT_THAT(error_of(unverified(raw({{0xb7, 12, 0, 0, 0}, {0x95, 0, 0, 0, 0}}))), HasSubstr("r10"));
  EXPECT_THAT(error_of(unverified(raw({{0x18, 0, 0, 0, 0}}))), HasSubstr("lddw"));
}

TEST(Compile, RefusesControlThatLeavesTheProgram) {
  EXPECT_THAT(error_of(unverified(raw({}))), HasSubstr("empty"));
  EXPECT_THAT(error_of(unverified(raw({{0xb7, 0, 0, 0, 0}}))), HasSubstr("runs off"));
  EXPECT_THAT(error_of(unverified(raw({{0x05, 0, 0, 5, 0}, {0x95, 0, 0, 0, 0}}))), HasSubstr("jump"));
  EXPECT_THAT(error_of(unverified(raw({{0x05, 0, 0, -2, 0}, {0x95, 0, 0, 0, 0}}))), HasSubstr("jump"));
  EXPECT_THAT(error_of(unverified(raw({{0x85, 0, 1, 0, 1}, {0x95, 0, 0, 0, 0}, {0x95, 0, 0, 0, 0}}))),
              HasSubstr("no sub-program"));
}

TEST(Compile, RefusesHelpersAndMapsThatAreNotThere) {
  EXPECT_THAT(error_of(unverified("call 999\nexit")), HasSubstr("helper"));
  EXPECT_THAT(error_of(unverified("call 12\nexit")), HasSubstr("tail call"));
  EXPECT_THAT(error_of(unverified("lddw_map r1, 0\nmov r0, 0\nexit")), HasSubstr("map"));
  vm::HelperDesc without_function{.id = 5, .name = "nothing"};
  const Result<CompiledProgram> result = compile(unverified("call 5\nexit"), vm::HelperTable({&without_function, 1}));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("implementation"));
}

// ARRAY or PERCPU_ARRAY with a view, for inlined look-ups.
class ViewedArray : public testing_support::TestArray {
 public:
  ViewedArray(std::uint32_t value_size, std::uint32_t entries) : TestArray(value_size, entries) {
    stride_ = (value_size + 7) & ~7U;
    values_.resize(std::size_t{stride_} * entries);
    view_ = {reinterpret_cast<std::uint8_t*>(values_.data()), entries, stride_};
  }
  const void* view() const noexcept override { return &view_; }
  std::uint64_t index_of(std::uint64_t address) const {
    return address == 0 ? 99 : (address - reinterpret_cast<std::uint64_t>(values_.data())) / stride_;
  }

 private:
  std::uint32_t stride_;
  std::vector<std::byte> values_;
  vm::ArrayView view_{};
};

constexpr std::string_view kLookup = R"(
    stxw [r10-4], r2
    mov r2, r10
    add r2, -4
    lddw_map r1, 0
    call 1
    exit)";
constexpr std::size_t kLookupCall = 5;

vm::VerifiedProgram lookup_of(const std::shared_ptr<vm::Map>& map, std::int64_t key) {
  vm::LoadedProgram program = program_from_asm(kLookup, vm::memory_type(), {map});
  vm::Facts facts = permissive_facts(program);
  facts.insns[kLookupCall].map = 0;
  facts.insns[kLookupCall].key_constant = key;
  return unverified(std::move(program), std::move(facts));
}

TEST(Compile, InlinesLookupsInArrays) {
  for (const std::uint32_t value_size : {1U, 8U, 12U, 24U, 64U, 200U}) {
    const auto map = std::make_shared<ViewedArray>(value_size, 5);
    std::vector<std::byte> memory(16);
    vm::ExecEnv env;
    const CompiledProgram code = compiled(lookup_of(map, -1));
    for (std::uint64_t key = 0; key < 5; ++key) EXPECT_EQ(map->index_of(code.memory()(nullptr, key, &env)), key);
    EXPECT_EQ(code.memory()(nullptr, 5, &env), 0U);
    EXPECT_EQ(code.memory()(nullptr, 0xffffffff, &env), 0U);
  }
}

TEST(Compile, FoldsLookupsWithAConstantKey) {
  const auto map = std::make_shared<ViewedArray>(12, 5);
  for (std::int64_t key = 0; key < 5; ++key) {
    EXPECT_EQ(map->index_of(run(lookup_of(map, key))), static_cast<std::uint64_t>(key));
  }
  EXPECT_EQ(run(lookup_of(map, 5)), 0U);
}

TEST(Compile, CallsTheHelperWhereAMapHasNoView) {
  const auto map = std::make_shared<testing_support::TestArray>(8, 4);
  const std::uint32_t key = 3;
  const auto* const bytes = reinterpret_cast<const std::byte*>(&key);
  EXPECT_EQ(run(lookup_of(map, -1)),
            reinterpret_cast<std::uint64_t>(map->lookup(std::as_bytes(std::span("\0\0\0")).data(), 0)));
  EXPECT_NE(map->lookup(bytes, 0), nullptr);
}

TEST(Compile, InlinesLookupsInPerCpuArrays) {
  auto map = vm::make_map(
      {.name = "m", .type = vm::MapType::kPercpuArray, .key_size = 4, .value_size = 20, .max_entries = 6}, 3);
  ASSERT_TRUE(map) << map.error().message;
  const std::shared_ptr<vm::Map> shared = std::move(*map);
  ASSERT_NE(shared->view(), nullptr);
  for (const bool constant : {false, true}) {
    for (std::uint32_t key = 0; key < 7; ++key) {
      const CompiledProgram code = compiled(lookup_of(shared, constant ? std::int64_t{key} : -1));
      for (std::uint32_t cpu = 0; cpu < 3; ++cpu) {
        vm::ExecEnv env{.cpu = cpu};
        EXPECT_EQ(code.memory()(nullptr, key, &env),
                  reinterpret_cast<std::uint64_t>(shared->lookup(reinterpret_cast<const std::byte*>(&key), cpu)));
      }
    }
  }
}

TEST(Compile, TranslatesAMoveAndASumTogetherUnlessAJumpComesBetween) {
  EXPECT_EQ(run(unverified("mov r3, 40\nmov r0, r3\nadd r0, 2\nexit")), 42U);
  EXPECT_EQ(run(unverified("mov r3, 40\nmov r0, 1\nja sum\nmov r0, r3\nsum: add r0, 2\nexit")), 3U);
  EXPECT_EQ(run(unverified("mov r3, -1\nmov r0, r3\nadd r0, -2147483648\nexit")),
            static_cast<std::uint64_t>(-std::int64_t{2147483649}));
  EXPECT_EQ(run(unverified("mov32 r3, -1\nmov r0, r3\nadd r0, 1\nmov32 r0, r0\nexit")), 0U);
}

TEST(Compile, KeepsAnAddressThatMoreThanOneAccessGoesBy) {
  const auto run_on = [](const std::string& text) {
    std::vector<std::byte> memory = testing_support::from_hex("0102030405060708");
    return run(unverified(text), memory);
  };
  EXPECT_EQ(run_on("mov r3, r1\nadd r3, 2\nldxb r0, [r3]\nldxb r2, [r3+1]\nadd r0, r2\nexit"), 3U + 4U);
  EXPECT_EQ(run_on("mov r3, 2\nadd r3, r1\nldxb r0, [r3]\nldxb r2, [r3+1]\nadd r0, r2\nexit"), 3U + 4U);
  EXPECT_EQ(run_on("mov r3, r1\nadd r3, 2\nstb [r3], 9\nldxb r0, [r3]\nexit"), 9U);
  EXPECT_EQ(run_on("mov r3, r1\nadd r3, 2\nstxb [r3], r1\nsub r3, r1\nmov r0, r3\nexit"), 2U);
  EXPECT_EQ(run_on("mov r3, r1\nadd r3, 2\nldxb r3, [r3+1]\nmov r0, r3\nexit"), 4U);
  // The address itself is stored.
  EXPECT_EQ(run_on("mov r3, r1\nadd r3, r2\nmov r4, r3\nadd r4, -8\nmov r5, r4\nadd r5, 0\nstxdw [r5], r5\n"
                   "ldxdw r0, [r1]\nsub r0, r1\nexit"),
            0U);
  // A displacement that does not fit.
  EXPECT_EQ(run_on("lddw r3, 0x7fffffff\nsub r1, r3\nmov r4, r1\nadd r4, 0x7fffffff\nldxb r0, [r4+1]\nexit"), 2U);
}

TEST(Compile, TranslatesPairsOfShiftsTogetherUnlessAJumpComesBetween) {
  EXPECT_EQ(run(unverified("lddw r0, 0x1234567880000001\nlsh r0, 32\nrsh r0, 32\nexit")), 0x80000001U);
  EXPECT_EQ(run(unverified("lddw r0, 0x1234567880000001\nlsh r0, 32\narsh r0, 32\nexit")), 0xffffffff80000001U);
  EXPECT_EQ(run(unverified("lddw r0, 0x1234567880000001\nja half\nlsh r0, 32\nhalf: rsh r0, 32\nexit")), 0x12345678U);
  EXPECT_EQ(run(unverified("mov32 r0, -1\nlsh r0, 32\nrsh r0, 32\nlsh r0, 32\nexit")), 0xffffffff00000000U);
}

TEST(Lower, SavesOnlyRegistersThatTheCalleeChanges) {
  const vm::VerifiedProgram program = unverified(R"(
    mov r6, 1
    mov r7, 1
    call_local f
    add r0, r6
    add r0, r7
    exit
    f: mov r7, 2
    mov r8, 2
    mov r0, 0
    exit)");
  const Result<Lowered> lowered = lower(program, fake_helpers());
  ASSERT_TRUE(lowered);
  EXPECT_EQ(lowered->functions[0].saved, 1U << 7);
  EXPECT_EQ(lowered->functions[0].clobbers, (1U << 6) | (1U << 7) | (1U << 8));
}

TEST(Lower, AProgramThatNeverNamesR10HasNoFrame) {
  const vm::VerifiedProgram program = unverified("mov r0, 0\nexit");
  EXPECT_EQ(lower(program, fake_helpers())->functions[0].stack_bytes, 0U);
}

}  // namespace
}  // namespace sluice::jit
