#pragma once
// What verbs share: exit codes of errors, files in and out, objects with their maps made, one program of them made
// ready. Results go to stdout, everything here that speaks speaks to stderr. Control path, one thread.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/pipeline/fixture.h"
#include "dataplane/pipeline/runner.h"
#include "verifier/verifier.h"
#include "vm/elf.h"

namespace sluice::cli {

Exit exit_code(ErrorCode code) noexcept;
// Prints "sluice: MESSAGE" to stderr and returns the error's exit code.
int fail(const Error& error);

Result<std::vector<std::byte>> read_file(const std::string& path);
Result<void> write_file(const std::string& path, std::span<const std::byte> bytes);

struct OpenOptions {
  const pipeline::Fixture* fixture = nullptr;  // null = none; what it says of sizes and globals holds
  bool unset_is_one = false;  // maps that leave max_entries to the configuration get 1, enough to verify their users
  std::string program;        // what is asked for; empty = whatever there is
  std::string btf;            // --btf: types for CO-RE; empty = those built in
  std::vector<std::string> kconfig;  // --kconfig: "NAME=VALUE"
  std::string type;  // --type: what `program`, or all programs of unknown type, are taken for; may be empty
};
// An object whose maps exist, those apart that cannot.
struct OpenObject {
  vm::ElfObject object;
  std::vector<std::shared_ptr<vm::Map>> maps;  // in the order of object.maps; null where `unmade` says why
  std::vector<std::string> unmade;             // likewise
};
Result<vm::ElfObject> load_object(const std::string& path, const OpenOptions& options);
Result<OpenObject> open_object(const std::string& path, const OpenOptions& options);
// An Error (kProgram) when the program uses a map that could not be made.
Result<void> check_maps(const OpenObject& object, const vm::LoadedProgram& program);

// "OBJ holds no XDP program", and what it holds instead.
std::string no_program(const vm::ElfObject& object);
// The program called `name`, or the only one when `name` is empty. Errors list what there is: kUsage, but kProgram when
// what was asked for is there and cannot be run.
Result<const vm::LoadedProgram*> choose_program(const vm::ElfObject& object, std::string_view name);

// Programs of one object made ready for one engine, each when it is first asked for.
class ReadyPrograms {
 public:
  ReadyPrograms(const OpenObject& object, pipeline::Engine engine) : object_(object), engine_(engine) {}

  struct Ready {
    pipeline::Runner runner;
    vm::ProgramSlot slot;
  };
  // Lives as long as this. A refusal by the verifier is an Error (kProgram) whose message is its whole text.
  Result<const Ready*> get(const vm::LoadedProgram& program);
  [[nodiscard]] const OpenObject& object() const noexcept { return object_; }

 private:
  const OpenObject& object_;
  pipeline::Engine engine_;
  std::map<std::string, std::unique_ptr<Ready>, std::less<>> ready_;
};

}  // namespace sluice::cli
