#include "dataplane/cli/common.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "dataplane/pipeline/loader.h"
#include "helpers/table.h"
#include "vm/core_builtin.h"

namespace sluice::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Error file_error(const std::string& path) {
  return {ErrorCode::kEnvironment, fmt::format("{}: {}", path, std::strerror(errno))};
}

}  // namespace

Exit exit_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kUsage: return kUsage;
    case ErrorCode::kConfig: return kConfig;
    case ErrorCode::kProgram: return kRejected;
    case ErrorCode::kEnvironment: return kEnvironment;
    case ErrorCode::kControl: return kControl;
    case ErrorCode::kInternal: return kInternal;
  }
  return kInternal;
}

int fail(const Error& error) {
  fmt::print(stderr, "sluice: {}\n", error.message);
  return exit_code(error.code);
}

Result<std::vector<std::byte>> read_file(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) return file_error(path);
  std::vector<std::byte> bytes;
  for (;;) {
    constexpr std::size_t kStep = 1U << 16;
    const std::size_t before = bytes.size();
    bytes.resize(before + kStep);
    const std::size_t count = std::fread(bytes.data() + before, 1, kStep, file.get());
    bytes.resize(before + count);
    if (std::ferror(file.get()) != 0) return file_error(path);
    if (count == 0) return bytes;
  }
}

Result<void> write_file(const std::string& path, std::span<const std::byte> bytes) {
  File file(std::fopen(path.c_str(), "wb"));
  if (!file) return file_error(path);
  if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) return file_error(path);
  if (std::fclose(file.release()) != 0) return file_error(path);
  return {};
}

Result<vm::ElfObject> load_object(const std::string& path, const OpenOptions& options) {
  vm::ElfOptions elf;
  if (!options.type.empty()) {
    const vm::ProgramType* const type = vm::type_called(options.type);
    if (type == nullptr) {
      return Error{ErrorCode::kUsage, fmt::format("unknown program type '{}', expected xdp, xdp/devmap or xdp/cpumap",
                                                  printable(options.type))};
    }
    elf.unknown_type = type;
    if (!options.program.empty()) elf.types.emplace(options.program, type);
  }
  if (!options.btf.empty()) {
    auto types = vm::load_types(options.btf);
    if (!types) return std::move(types).error();
    elf.kernel_types = std::move(*types);
  }
  for (const std::string& word : options.kconfig) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Error{ErrorCode::kUsage, fmt::format("--kconfig '{}' is not NAME=VALUE", printable(word))};
    }
    elf.kconfig[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return vm::load_elf(path, elf);
}

Result<OpenObject> open_object(const std::string& path, const OpenOptions& options) {
  auto object = load_object(path, options);
  if (!object) return std::move(object).error();
  OpenObject opened{.object = std::move(*object), .maps = {}, .unmade = {}};
  if (options.fixture != nullptr) {
    Diagnostics diagnostics;
    pipeline::prepare(*options.fixture, opened.object, diagnostics);
    fmt::print(stderr, "{}", diagnostics.render());
    if (diagnostics.has_errors()) return Error{ErrorCode::kConfig, "the fixture does not fit " + path};
  }
  for (vm::MapDecl& declared : opened.object.maps) {
    if (options.unset_is_one && vm::leaves_size_open(declared.spec)) declared.spec.max_entries = 1;
    auto map = vm::make_map(declared, 1);
    if (map) (*map)->set_id(static_cast<std::uint32_t>(opened.maps.size() + 1));
    opened.maps.push_back(map ? *map : nullptr);
    opened.unmade.push_back(map ? std::string() : map.error().message);
  }
  if (options.unset_is_one) return opened;  // nothing is run: what is inside does not matter
  if (auto filled = vm::fill_maps_of_maps(opened.object, opened.maps); !filled) return std::move(filled).error();
  return opened;
}

Result<void> check_maps(const OpenObject& object, const vm::LoadedProgram& program) {
  std::vector<bool> used(object.maps.size());
  vm::mark_maps(object.object, program, used);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i] && object.maps[i] == nullptr) {
      return Error{ErrorCode::kProgram, fmt::format("program {}: {}", program.name, object.unmade[i])};
    }
  }
  return {};
}

Result<const vm::LoadedProgram*> choose_program(const vm::ElfObject& object, std::string_view name) {
  if (name.empty() && object.programs.size() == 1) return object.programs.data();
  if (const vm::LoadedProgram* found = name.empty() ? nullptr : object.program(name)) return found;
  if (const vm::ListedProgram* listed = name.empty() ? nullptr : object.listed(name)) {
    const std::string_view hint = listed->why.empty() ? "; --type xdp takes it for an XDP program" : "";
    return Error{ErrorCode::kProgram, fmt::format("{}: {}{}", object.path, vm::why_not(*listed), hint)};
  }
  std::string names;
  std::vector<std::string_view> candidates;
  for (const vm::LoadedProgram& program : object.programs) {
    names += (names.empty() ? "" : ", ") + program.name;
    candidates.push_back(program.name);
  }
  if (names.empty()) return Error{ErrorCode::kUsage, no_program(object)};
  if (name.empty()) {
    return Error{ErrorCode::kUsage, fmt::format("{} holds several programs, name one: {}", object.path, names)};
  }
  const std::string_view near = nearest(name, candidates);
  const std::string hint = near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
  return Error{ErrorCode::kUsage,
               fmt::format("{} holds no program '{}', only {}{}", object.path, printable(name), names, hint)};
}

std::string no_program(const vm::ElfObject& object) {
  std::string text = object.path + " holds no XDP program";
  for (const vm::ListedProgram& other : object.others) {
    text += fmt::format("{} {} ({})", &other == object.others.data() ? ", only" : ",", other.name,
                        other.type.empty() ? "of unknown type" : other.type);
  }
  return text;
}

Result<const ReadyPrograms::Ready*> ReadyPrograms::get(const vm::LoadedProgram& program) {
  if (const auto found = ready_.find(program.name); found != ready_.end()) return found->second.get();
  if (auto usable = check_maps(object_, program); !usable) return std::move(usable).error();
  const vm::LoadedProgram bound = vm::bind(program, object_.maps);
  verifier::Outcome outcome = verifier::verify(bound, helpers::table());
  if (!outcome.accepted()) {
    return Error{ErrorCode::kProgram,
                 fmt::format("program {} is refused\n{}", program.name, verifier::render(outcome.rejection(), bound))};
  }
  auto runner = pipeline::Runner::make(std::move(outcome).take(), engine_, helpers::table());
  if (!runner) return std::move(runner).error();
  const auto stage = static_cast<std::uint16_t>(ready_.size());
  auto ready = std::make_unique<Ready>(Ready{std::move(runner).value(), {}});
  ready->slot = ready->runner.slot(stage);
  return ready_.emplace(program.name, std::move(ready)).first->second.get();
}

}  // namespace sluice::cli
