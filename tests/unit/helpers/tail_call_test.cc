// The engines do tail calls themselves; what the helper promises is tested on both, with the real table.
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "jit/jit.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "vm/interpreter.h"
#include "vm/maps/map.h"

namespace sluice::helpers::testing {
namespace {

class TailCall : public HelperTest {
 protected:
  TailCall() {
    vm::MapSpec spec{.name = "jumps", .type = vm::MapType::kProgArray, .max_entries = 4};
    array_ = std::move(*vm::make_map(spec, 1));
  }
  // A program that tail-calls slot `index` and returns r0 + 100 - or whatever `after` says - when that fails.
  static std::string calling(std::string_view index, std::string_view after = "add r0, 100") {
    return fmt::format("mov r6, r1\nlddw_map r2, 0\n{}\ncall 12\n{}\nexit", index, after);
  }
  const vm::ProgramSlot* add(const std::string& text, int slot) {
    vm::LoadedProgram loaded = testing_support::program_from_asm(text, vm::xdp_type(), {array_});
    vm::Facts facts = testing_support::permissive_facts(loaded);
    facts.frame_bytes.assign(loaded.subprograms.size(), 16);
    programs_.push_back(
        std::make_unique<vm::VerifiedProgram>(testing_support::unverified(std::move(loaded), std::move(facts))));
    auto code = jit::compile(*programs_.back(), table());
    EXPECT_TRUE(code) << (code ? "" : code.error().message);
    codes_.push_back(std::make_unique<jit::CompiledProgram>(std::move(*code)));
    slots_.push_back(
        std::make_unique<vm::ProgramSlot>(vm::ProgramSlot{.program = programs_.back().get(),
                                                          .entry = codes_.back()->frame_entry(),
                                                          .stage = static_cast<std::uint16_t>(programs_.size())}));
    auto& array = dynamic_cast<vm::ProgArray&>(*array_);
    if (slot >= 0) {
      EXPECT_EQ(array.set(static_cast<std::uint32_t>(slot), slots_.back().get()), 0);
    }
    return slots_.back().get();
  }
  // r0's low half of the program in `slot`, the same from both engines; depth_ says how many calls were taken.
  std::int32_t run(const vm::ProgramSlot* slot) {
    calls_ += 2;
    const std::size_t at = slot->stage - 1U;
    Frame interpreted(Model::kNative, 60);
    const vm::RunResult result = vm::interpret(*programs_[at], interpreted.context, env_, table());
    Frame compiled(Model::kNative, 60);
    std::uint32_t verdict = 0;
    codes_[at]->burst()(&compiled.context, 1, &verdict, &env_);
    EXPECT_EQ(static_cast<std::uint32_t>(result.r0), verdict);
    EXPECT_EQ(interpreted.context.depth, compiled.context.depth);
    EXPECT_EQ(interpreted.context.path, compiled.context.path);
    depth_ = compiled.context.depth;
    path_ = compiled.context.path;
    return static_cast<std::int32_t>(verdict);
  }

  std::shared_ptr<vm::Map> array_;
  std::vector<std::unique_ptr<vm::VerifiedProgram>> programs_;
  std::vector<std::unique_ptr<jit::CompiledProgram>> codes_;
  std::vector<std::unique_ptr<vm::ProgramSlot>> slots_;
  std::uint32_t depth_ = 0;
  std::array<std::uint16_t, vm::kMaxTailCalls + 1> path_{};
};

TEST_F(TailCall, JumpsAndNeverComesBack) {
  const auto* const target = add("mov r0, 3\nexit", 2);
  const auto* const caller = add(calling("mov r3, 2"), -1);
  EXPECT_EQ(run(caller), 3);
  EXPECT_EQ(depth_, 1U);
  EXPECT_EQ(path_[1], target->stage);
}

TEST_F(TailCall, GoesOnBehindTheCallWhenTheSlotIsEmptyOrOutOfRange) {
  for (const char* index : {"mov r3, 1", "mov r3, 4", "mov r3, -1", "lddw r3, 0x8000000000000001"}) {
    EXPECT_EQ(run(add(calling(index, "mov r0, 2"), -1)), 2) << index;
    EXPECT_EQ(depth_, 0U);
  }
}

TEST_F(TailCall, TheIndexIsA32BitNumber) {
  add("mov r0, 3\nexit", 2);
  EXPECT_EQ(run(add(calling("lddw r3, 0x100000002", "mov r0, 2"), -1)), 3);
}

TEST_F(TailCall, EndsAfter33Jumps) {
  const auto* const self = add(calling("mov r3, 0", "mov r0, 2"), 0);
  EXPECT_EQ(run(self), 2);
  EXPECT_EQ(depth_, 33U);
  EXPECT_EQ(path_[33], self->stage);
}

TEST_F(TailCall, TheTargetSeesTheFrameAsItWasLeft) {
  add("mov r2, r1\nmov r1, r2\nmov r2, 1\ncall 188\nexit", 0);  // xdp_get_buff_len
  const auto* const caller =
      add("mov r6, r1\nmov r2, 20\ncall 44\nmov r1, r6\nlddw_map r2, 0\nmov r3, 0\ncall 12\nmov r0, 0\nexit", -1);
  EXPECT_EQ(run(caller), 40);
}

TEST_F(TailCall, FromASubProgramReturnsToItsCaller) {
  add("mov r0, 7\nexit", 0);
  const auto* const caller =
      add("call_local +2\nadd r0, 1\nexit\n"
          "lddw_map r2, 0\nmov r3, 0\ncall 12\nmov r0, 0\nexit",
          -1);
  EXPECT_EQ(run(caller), 8);
}

}  // namespace
}  // namespace sluice::helpers::testing
