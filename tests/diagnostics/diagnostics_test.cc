// Every NAME.bpf.c here is a program with a mistake that authors make; NAME.txt is what Sluice says of it, to the
// letter. The fix that the message names was carried out when the tests were built (build_case.py): then the program
// loads, here and in the running kernel (kernel_test.cc), which refuses the unfixed one too.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "helpers/table.h"
#include "tests/diagnostics/cases.h"
#include "tests/support/programs.h"
#include "verifier/verifier.h"
#include "vm/elf.h"
#include "vm/maps/map.h"

namespace sluice::verifier {
namespace {

using testing_support::diagnostic_cases;
using testing_support::diagnostic_object;
using testing_support::diagnostic_test_name;
using testing_support::read_text;

const std::string kFolder = SLUICE_DIAGNOSTICS_DIR;

// The program in an object, bound to maps of its own.
vm::LoadedProgram load_file(const std::string& path) {
  const auto object = vm::load_elf(path);
  if (!object) {
    ADD_FAILURE() << path << ": " << object.error().message;
    return {};
  }
  const vm::LoadedProgram* const program = object->program("program");
  const auto maps = vm::make_maps(*object, 2);
  if (program == nullptr || !maps) {
    ADD_FAILURE() << path << ": " << (maps ? "no XDP program called 'program'" : maps.error().message);
    return {};
  }
  return vm::bind(*program, *maps);
}

vm::LoadedProgram load(const std::string& name) { return load_file(diagnostic_object(name)); }

class Diagnostic : public testing::TestWithParam<std::string> {};

TEST_P(Diagnostic, SaysExactlyThis) {
  const vm::LoadedProgram program = load(GetParam());
  const Outcome outcome = verify(program, helpers::table());
  ASSERT_FALSE(outcome.accepted());
  const std::string message = render(outcome.rejection(), program);
  const std::string golden = kFolder + "/" + GetParam() + ".txt";
  if (std::getenv("SLUICE_REBASE") != nullptr) std::ofstream(golden) << message;
  EXPECT_EQ(message, read_text(golden));
  EXPECT_NE(outcome.rejection().line, 0U) << "names the line of source";
  EXPECT_NE(message.find(" fix: "), std::string::npos);
}

TEST_P(Diagnostic, ItsFixMakesTheProgramLoad) {
  ASSERT_NE(std::filesystem::file_size(diagnostic_object(GetParam() + ".fixed")), 0U)
      << "its message names no fix that can be carried out, and it has no `// patch:` line";
  const vm::LoadedProgram program = load(GetParam() + ".fixed");
  const Outcome outcome = verify(program, helpers::table());
  EXPECT_TRUE(outcome.accepted()) << render(outcome.rejection(), program);
}

INSTANTIATE_TEST_SUITE_P(Cases, Diagnostic, testing::ValuesIn(diagnostic_cases()), diagnostic_test_name);

TEST(Diagnostics, AreEnough) { EXPECT_GE(diagnostic_cases().size(), 60U); }

// Codes that no compiler of C can be brought to earn; tests/verifier/reject has assembler for them.
TEST(Diagnostics, HaveACaseForEveryCodeThatCCanEarn) {
  std::set<std::string, std::less<>> earned{"bad-call", "bad-map", "forbidden-helper", "unknown-function"};
  for (const std::string& name : diagnostic_cases()) {
    const std::string message = read_text(kFolder + "/" + name + ".txt");
    const std::size_t begin = message.find("error[") + 6;
    earned.insert(message.substr(begin, message.find(']', begin) - begin));
  }
  for (const CodeInfo& info : all_codes()) {
    EXPECT_TRUE(earned.contains(info.code)) << "no case has the code " << info.code;
  }
}

// The example of a code as a program: compiled where it is C.
vm::LoadedProgram example(const CodeInfo& info) {
  if (info.example.find("SEC(\"xdp\")") == std::string_view::npos) {
    const bool memory = info.example.find("of type memory") != std::string_view::npos;
    return testing_support::program_from_asm(info.example, memory ? vm::memory_type() : vm::xdp_type());
  }
  const std::string stem = testing::TempDir() + "sluice-example-" + std::to_string(getpid());
  std::ofstream(stem + ".c") << "#include \"" << kFolder << "/../verifier/prelude.bpf.inc\"\n" << info.example;
  const std::string command = std::string(SLUICE_DIAGNOSTICS_CLANG) + " -w -g -c " + stem + ".c -o " + stem + ".o";
  EXPECT_EQ(std::system(command.c_str()), 0) << info.code;
  vm::LoadedProgram program = load_file(stem + ".o");
  std::filesystem::remove(stem + ".c");
  std::filesystem::remove(stem + ".o");
  return program;
}

TEST(Codes, HaveExamplesThatEarnThem) {
  for (const CodeInfo& info : all_codes()) {
    const vm::LoadedProgram program = example(info);
    const Outcome outcome = verify(program, helpers::table(), {.memory_size = 64});
    ASSERT_FALSE(outcome.accepted()) << info.code;
    EXPECT_EQ(outcome.rejection().code, info.code) << render(outcome.rejection(), program);
  }
}

}  // namespace
}  // namespace sluice::verifier
