// Generated cases (generated.h) in the running kernel: it must leave what the model says, as all our engines do.
#include <string>

#include <gtest/gtest.h>

#include "dataplane/kernel/peer.h"
#include "tests/conformance/generated.h"
#include "tests/support/programs.h"

namespace sluice::testing_support {
namespace {

vm::LoadedProgram loaded(const Batch& batch) {
  vm::LoadedProgram program;
  program.name = "generated";
  program.insns = map_program(batch);
  program.subprograms = vm::subprograms_of(program.insns);
  return program;
}

// The batch's block in the kernel.
std::vector<kernel::Fd> map_of(const Batch& batch) {
  vm::MapSpec spec;
  spec.name = "block";
  spec.value_size = static_cast<std::uint32_t>(batch.before.size());
  spec.max_entries = 1;
  auto fd = kernel::create_map(spec);
  std::vector<kernel::Fd> fds;
  if (fd) {
    fds.push_back(std::move(*fd));
    const std::uint32_t key = 0;
    const kernel::MapHandle handle(fds.front().get(), spec);
    EXPECT_EQ(handle.update(std::as_bytes(std::span(&key, 1)), batch.before), 0);
  } else {
    ADD_FAILURE() << fd.error().message;
  }
  return fds;
}

std::vector<std::byte> contents(const Batch& batch, const kernel::Fd& map) {
  vm::MapSpec spec;
  spec.value_size = static_cast<std::uint32_t>(batch.before.size());
  spec.max_entries = 1;
  std::vector<std::byte> block(batch.before.size());
  const std::uint32_t key = 0;
  EXPECT_EQ(kernel::MapHandle(map.get(), spec).read(std::as_bytes(std::span(&key, 1)), block), 0);
  return block;
}

void run(const Batch& batch) {
  const std::vector<kernel::Fd> maps = map_of(batch);
  ASSERT_FALSE(maps.empty());
  const kernel::RawProgram program = kernel::load_instructions(loaded(batch), maps);
  ASSERT_TRUE(program.verdict.accepted) << program.verdict.log.substr(
      program.verdict.log.size() > 2000 ? program.verdict.log.size() - 2000 : 0);
  const std::vector<std::byte> frame(64);
  const auto result = kernel::run(program.fd, {.data = frame});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->retval, 2U);
  const std::vector<std::byte> block = contents(batch, maps.front());
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (block[i] == batch.after[i]) continue;
    const std::size_t word = i / 8 * 8;
    ADD_FAILURE() << describe(batch.at(i)) << ": word at " << word << " is "
                  << to_hex(std::span(block).subspan(word, 8)) << " in the kernel, not "
                  << to_hex(std::span(batch.after).subspan(word, 8));
    return;
  }
}

class InTheKernel : public testing::TestWithParam<const vm::InsnRow*> {
 protected:
  void SetUp() override {
    if (const std::string why = kernel::unavailable(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_P(InTheKernel, CasesAgreeWithTheModel) {
  std::vector<GeneratedCase> cases = cases_of(*GetParam());
  std::erase_if(cases, [](const GeneratedCase& c) { return c.refused; });
  for (const Batch& batch : batches(cases)) run(batch);
}

TEST_P(InTheKernel, CasesThatNoVerifierTakesAreRefused) {
  for (const GeneratedCase& c : cases_of(*GetParam())) {
    // One of each immediate is enough.
    if (!c.refused || c.dst != 0) continue;
    const Batch batch = batches({&c, 1}).front();
    EXPECT_FALSE(kernel::load_instructions(loaded(batch), map_of(batch)).verdict.accepted) << describe(c);
  }
}

std::vector<const vm::InsnRow*> rows() {
  std::vector<const vm::InsnRow*> all;
  for (const vm::InsnRow& row : vm::all_rows()) {
    if (!cases_of(row).empty()) all.push_back(&row);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Rows, InTheKernel, testing::ValuesIn(rows()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace sluice::testing_support
