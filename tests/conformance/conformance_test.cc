// Every file of tests/conformance on every engine, and a file for every row of the instruction table.
#include <algorithm>
#include <cctype>
#include <memory>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/case.h"
#include "tests/conformance/engines.h"
#include "tests/support/programs.h"
#include "vm/isa.h"

namespace sluice::testing_support {
namespace {

struct Parameter {
  std::string file;
  const Engine* engine;
};

std::vector<Parameter> parameters() {
  std::vector<Parameter> all;
  for (const std::string& name : conformance_names()) {
    for (const Engine& engine : engines()) {
      if (engine.sees_errors || read_conformance(name).error.empty()) all.push_back({name, &engine});
    }
  }
  return all;
}

class Conformance : public testing::TestWithParam<Parameter> {};

TEST_P(Conformance, GivesTheResultOfTheFile) {
  const ConformanceCase data = read_conformance(GetParam().file);
  const vm::VerifiedProgram program = unverified(data.text, vm::memory_type(), make_maps(data));
  // A block of its own size: the address sanitizer sees a byte too far.
  auto memory = std::make_unique<std::byte[]>(data.memory.size());
  std::ranges::copy(data.memory, memory.get());
  const vm::MemoryContext context{data.memory.empty() ? nullptr : memory.get(), data.memory.size()};
  vm::ExecEnv env;
  const EngineResult result = GetParam().engine->run(program, context, env);
  if (!data.error.empty()) {
    EXPECT_THAT(result.error, testing::HasSubstr(data.error));
    return;
  }
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.r0, *data.result) << std::hex << result.r0 << " instead of " << *data.result;
}

INSTANTIATE_TEST_SUITE_P(Files, Conformance, testing::ValuesIn(parameters()), [](const auto& info) {
  std::string name = info.param.file + "_" + std::string(info.param.engine->name);
  std::ranges::replace_if(name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

// The row a file is about: its name up to the first '-'.
std::string row_of(const std::string& file) { return file.substr(0, file.find('-')); }

TEST(ConformanceFiles, ThereIsOneForEveryRowThatUsesIt) {
  for (const vm::InsnRow& row : vm::all_rows()) {
    bool used = false;
    for (const std::string& name : conformance_names()) {
      if (row_of(name) != row.name) continue;
      const vm::LoadedProgram program = program_from_asm(read_conformance(name).text);
      for (std::size_t slot = 0; slot < program.insns.size(); ++slot) {
        const vm::InsnRow* found = vm::find(program.insns[slot]);
        if (found == nullptr) continue;
        used = used || found->name == row.name;
        slot += vm::slots(*found) - 1;
      }
    }
    EXPECT_TRUE(used) << "no file of tests/conformance uses " << row.name;
  }
}

TEST(ConformanceFiles, AreNamedAfterARow) {
  std::set<std::string_view> rows;
  for (const vm::InsnRow& row : vm::all_rows()) rows.insert(row.name);
  for (const std::string& name : conformance_names()) EXPECT_TRUE(rows.contains(row_of(name))) << name;
}

}  // namespace
}  // namespace sluice::testing_support
