// Helpers that call functions of the program back are done by the engines: the same program on both and in the running
// kernel.
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "jit/jit.h"
#include "tests/support/bpf_syscall.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "tests/verifier/kernel.h"
#include "verifier/verifier.h"
#include "vm/interpreter.h"
#include "vm/maps/map.h"

namespace sluice::helpers::testing {
namespace {

class CallbackTest : public HelperTest {
 protected:
  // r0 of the program in both engines, which the kernel's must be, where bpf(2) is permitted.
  std::int64_t run(const std::string& text) {
    SCOPED_TRACE(text);
    calls_ += 2;
    std::vector<std::shared_ptr<vm::Map>> maps;
    if (map_ != nullptr) maps.push_back(map_);
    const std::uint32_t expected = in_kernel(testing_support::program_from_asm(text, vm::xdp_type(), maps));
    verifier::Outcome outcome =
        verifier::verify(testing_support::program_from_asm(text, vm::xdp_type(), maps), table());
    if (!outcome.accepted()) {
      ADD_FAILURE() << outcome.rejection().message;
      return 0;
    }
    const vm::VerifiedProgram program = std::move(outcome).take();
    Frame interpreted(Model::kNative, 60);
    const vm::RunResult result = vm::interpret(program, interpreted.context, env_, table(), {.checked = true});
    EXPECT_FALSE(result.fault) << result.fault->what;
    const auto code = jit::compile(program, table());
    if (!code) {
      ADD_FAILURE() << code.error().message;
      return 0;
    }
    fill();  // the run may have changed them
    Frame compiled(Model::kNative, 60);
    std::uint32_t verdict = 0;
    code->burst()(&compiled.context, 1, &verdict, &env_);
    EXPECT_EQ(static_cast<std::uint32_t>(result.r0), verdict);
    if (testing_support::bpf_permitted()) {
      EXPECT_EQ(verdict, expected) << "in the kernel";
    }
    return static_cast<std::int32_t>(verdict);
  }

  // An element here and in the kernel's map.
  void put(std::uint32_t key, std::uint64_t value) {
    elements_.emplace_back(key, value);
    fill();
  }

  std::shared_ptr<vm::Map> map_;

 private:
  void fill() {
    const auto bytes = [](const auto& x) { return reinterpret_cast<const std::byte*>(&x); };
    for (const auto& [key, value] : elements_) {
      ASSERT_EQ(map_->update(bytes(key), bytes(value), vm::UpdateMode::kAny, 0), 0);
    }
  }

  std::uint32_t in_kernel(const vm::LoadedProgram& program) {
    if (!testing_support::bpf_permitted()) return 0;
    std::vector<testing_support::Descriptor> maps;
    std::vector<int> numbers;
    if (map_ != nullptr) {
      maps.emplace_back(testing_support::kernel_map(*map_));
      numbers.push_back(maps.back().get());
      for (const auto& [key, value] : elements_) {
        bpf_attr attributes{};
        attributes.map_fd = static_cast<std::uint32_t>(numbers.front());
        attributes.key = testing_support::address_of(&key);
        attributes.value = testing_support::address_of(&value);
        EXPECT_EQ(testing_support::bpf(BPF_MAP_UPDATE_ELEM, attributes), 0);
      }
    }
    std::vector<char> log;
    const testing_support::KernelProgram loaded(testing_support::kernel_load(program, numbers, log));
    EXPECT_GE(loaded.fd(), 0) << "the kernel refuses the program";
    return loaded.run(Frame(Model::kLinux, 60).bytes()).retval;
  }

  std::vector<std::pair<std::uint32_t, std::uint64_t>> elements_;
};

class Loop : public CallbackTest {
 protected:
  // What the call returns, or by `end` the sum of the numbers of its rounds.
  static std::string looping(std::string_view rounds, std::string_view flags, std::string_view end,
                             std::string_view last = "mov r0, 0") {
    return fmt::format(R"(
        stdw [r10-8], 0
        lddw r1, {}
        lddw_code r2, body
        mov r3, r10
        add r3, -8
        lddw r4, {}
        call loop
        {}
        exit
      body:
        ldxdw r3, [r2+0]
        add r3, r1
        stxdw [r2+0], r3
        {}
        exit
    )",
                       rounds, flags, end, last);
  }
  static constexpr std::string_view kSum = "ldxdw r0, [r10-8]";
};
using ForEachMapElem = CallbackTest;

TEST_F(Loop, CallsForEachNumberBelowItsCount) {
  EXPECT_EQ(run(looping("10", "0", "")), 10);
  EXPECT_EQ(run(looping("10", "0", kSum)), 45);
  EXPECT_EQ(run(looping("0", "0", "")), 0);
  EXPECT_EQ(run(looping("0", "0", kSum)), 0);
}

TEST_F(Loop, RefusesFlagsAndTooManyRounds) {
  EXPECT_EQ(run(looping("10", "1", "")), -EINVAL);
  EXPECT_EQ(run(looping("0x800001", "1", "")), -EINVAL);
  EXPECT_EQ(run(looping("0x800001", "0", "")), -E2BIG);
  EXPECT_EQ(run(looping("0x800001", "0", kSum)), 0) << "not one round";
}

// Of the count too, although the kernel's prototype has 32 bits: it puts the loop into the program itself.
TEST_F(Loop, LooksAtAllBitsOfItsCountAndFlags) {
  EXPECT_EQ(run(looping("0x100000003", "0", "")), -E2BIG);
  EXPECT_EQ(run(looping("3", "0x100000000", "")), -EINVAL);
}

TEST_F(Loop, EndsWithTheRoundThatReturnsOne) {
  const std::string_view last = "mov r0, 0\njne r1, 3, on\nmov r0, 1\non:";
  EXPECT_EQ(run(looping("10", "0", "", last)), 4);
  EXPECT_EQ(run(looping("10", "0", kSum, last)), 6);
}

TEST_F(ForEachMapElem, MeetsEveryElementOfAHash) {
  map_ = std::move(*vm::make_map({.type = vm::MapType::kHash, .value_size = 8, .max_entries = 64}, 1));
  const std::string text = R"(
      stdw [r10-8], 0
      lddw_map r1, 0
      lddw_code r2, body
      mov r3, r10
      add r3, -8
      mov r4, 0
      call for_each_map_elem
      ldxdw r1, [r10-8]
      mul r1, 100
      add r0, r1
      exit
    body:
      ldxw r5, [r2+0]
      ldxdw r1, [r3+0]
      mul r1, r5
      ldxdw r5, [r4+0]
      add r5, r1
      stxdw [r4+0], r5
      mov r0, 0
      exit
  )";
  EXPECT_EQ(run(text), 0) << "of an empty one";
  std::int64_t sum = 0;
  for (std::uint32_t key = 0; key < 40; ++key) {
    put(key * 7919, key);
    sum += std::int64_t{key} * 7919 * key;
  }
  EXPECT_EQ(run(text), static_cast<std::int32_t>(sum * 100 + 40));
}

TEST_F(ForEachMapElem, MeetsTheElementsOfAnArrayInTheirOrderUntilOneEndsIt) {
  map_ = std::move(*vm::make_map({.type = vm::MapType::kArray, .value_size = 8, .max_entries = 8}, 1));
  for (std::uint32_t key = 0; key < 8; ++key) put(key, key * key);
  EXPECT_EQ(run(R"(
      lddw_map r1, 0
      lddw_code r2, body
      mov r3, 0
      mov r4, 0
      call for_each_map_elem
      exit
    body:
      ldxw r1, [r2+0]
      mov r0, 0
      jne r1, 4, on
      ldxdw r1, [r3+0]
      jne r1, 16, on
      mov r0, 1
    on:
      exit
  )"),
            5);
}

TEST_F(ForEachMapElem, RefusesFlags) {
  map_ = std::move(*vm::make_map({.type = vm::MapType::kArray, .value_size = 8, .max_entries = 8}, 1));
  EXPECT_EQ(run(R"(
      lddw_map r1, 0
      lddw_code r2, body
      mov r3, 0
      mov r4, 1
      call for_each_map_elem
      exit
    body:
      mov r0, 0
      exit
  )"),
            -EINVAL);
}

TEST_F(ForEachMapElem, LetsTheElementGoThatItMeets) {
  map_ = std::move(*vm::make_map({.type = vm::MapType::kHash, .value_size = 8, .max_entries = 64}, 1));
  for (std::uint32_t key = 0; key < 64; ++key) put(key, key);
  EXPECT_EQ(run(R"(
      lddw_map r1, 0
      lddw_code r2, body
      mov r3, 0
      mov r4, 0
      call for_each_map_elem
      exit
    body:
      ldxw r4, [r2+0]
      stxdw [r10-8], r4
      mov r2, r10
      add r2, -8
      call map_delete_elem
      mov r0, 0
      exit
  )"),
            64);
}

}  // namespace
}  // namespace sluice::helpers::testing
