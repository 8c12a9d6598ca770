// Every NAME.bpf.c here is a program with a mistake that authors make; NAME.txt is what Sluice says of it, to the letter.
// The fix that the message names was carried out when the tests were built (build_case.py): then the program loads, here
// and in the running kernel, which refuses the unfixed one too.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "helpers/table.h"
#include "tests/support/programs.h"
#include "tests/verifier/kernel.h"
#include "verifier/verifier.h"
#include "vm/elf.h"
#include "vm/maps/map.h"

namespace sluice::verifier {
namespace {

const std::string kFolder = SLUICE_DIAGNOSTICS_DIR;
const std::string kObjects = SLUICE_DIAGNOSTICS_OBJECTS;

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".bpf.c")) names.push_back(name.substr(0, name.find('.')));
  }
  std::ranges::sort(names);
  return names;
}

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

vm::LoadedProgram load(const std::string& name) { return load_file(kObjects + "/" + name + ".o"); }

// What the case's comment line `// LABEL: ..` says.
std::string remark(const std::string& name, const std::string& label) {
  std::istringstream lines(read(kFolder + "/" + name + ".bpf.c"));
  const std::string start = "// " + label + ": ";
  for (std::string line; std::getline(lines, line) && line.starts_with("// ");) {
    if (line.starts_with(start)) return line.substr(start.size());
  }
  return {};
}

class Diagnostic : public testing::TestWithParam<std::string> {};

TEST_P(Diagnostic, SaysExactlyThis) {
  const vm::LoadedProgram program = load(GetParam());
  const Outcome outcome = verify(program, helpers::table());
  ASSERT_FALSE(outcome.accepted());
  const std::string message = render(outcome.rejection(), program);
  const std::string golden = kFolder + "/" + GetParam() + ".txt";
  if (std::getenv("SLUICE_REBASE") != nullptr) std::ofstream(golden) << message;
  EXPECT_EQ(message, read(golden));
  EXPECT_NE(outcome.rejection().line, 0U) << "names the line of source";
  EXPECT_NE(message.find(" fix: "), std::string::npos);
}

TEST_P(Diagnostic, ItsFixMakesTheProgramLoad) {
  ASSERT_NE(std::filesystem::file_size(kObjects + "/" + GetParam() + ".fixed.o"), 0U)
      << "its message names no fix that can be carried out, and it has no `// patch:` line";
  const vm::LoadedProgram program = load(GetParam() + ".fixed");
  const Outcome outcome = verify(program, helpers::table());
  EXPECT_TRUE(outcome.accepted()) << render(outcome.rejection(), program);
}

TEST_P(Diagnostic, TheKernelRefusesItTooAndTakesTheFixedOne) {
  std::string why;
  if (!testing_support::kernel_available(why)) GTEST_SKIP() << why;
  const auto broken = testing_support::kernel_verdict(load(GetParam()));
  const std::string expected = remark(GetParam(), "kernel");
  if (expected.starts_with("accepts, because ")) {
    EXPECT_TRUE(broken.accepted) << broken.log;
  } else {
    EXPECT_EQ(expected, "") << "not understood";
    EXPECT_FALSE(broken.accepted) << "the kernel takes it; the case must say why";
  }
  const auto fixed = testing_support::kernel_verdict(load(GetParam() + ".fixed"));
  EXPECT_TRUE(fixed.accepted) << fixed.log;
}

INSTANTIATE_TEST_SUITE_P(Cases, Diagnostic, testing::ValuesIn(case_names()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Diagnostics, AreEnough) { EXPECT_GE(case_names().size(), 60U); }

// Codes that no compiler of C can be brought to earn; tests/verifier/reject has assembler for them.
TEST(Diagnostics, HaveACaseForEveryCodeThatCCanEarn) {
  std::set<std::string, std::less<>> earned{"bad-call", "mem-bounds", "forbidden-helper", "unknown-function"};
  for (const std::string& name : case_names()) {
    const std::string message = read(kFolder + "/" + name + ".txt");
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
