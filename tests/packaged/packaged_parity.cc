// Runs every XDP program of the objects named here and in the running kernel, on the same map contents and frames:
//
//     packaged_parity FIXTURES PCAPS CAPTURES OBJECT...
//
// and prints a line of JSON a program (compatibility.py judges them). FIXTURES has what fills maps and globals, see its
// README; PCAPS our captures; CAPTURES others', "" for none. Exit 5 when the kernel may not be asked.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "helpers/table.h"
#include "tests/packaged/ask.h"
#include "tests/packaged/frames.h"
#include "tests/packaged/masks.h"
#include "tests/packaged/subject.h"
#include "vm/isa.h"

namespace sluice::kernel {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kOfEachCapture = 3;
constexpr pipeline::Engine kEngines[] = {pipeline::Engine::kInterp, pipeline::Engine::kJit};

std::string hex(const Bytes& bytes, std::size_t most = 80) {
  std::string text;
  for (std::size_t i = 0; i < std::min(bytes.size(), most); ++i) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(bytes[i]));
  }
  return text;
}

std::string described(const Outcome& outcome) {
  if (!outcome.ran) return "not run";
  return fmt::format("verdict {} {} bytes {} metadata {}", outcome.verdict, outcome.frame.size(), hex(outcome.frame),
                     hex(outcome.metadata));
}

std::string stem_of(const std::string& path) {
  const std::string file = std::filesystem::path(path).filename();
  return file.substr(0, file.find('.'));
}

// A fixture and the name of its file, without the ending.
struct Found {
  std::string name;
  pipeline::Fixture fixture;
};

class Fixtures {
 public:
  explicit Fixtures(const std::string& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".yaml") files_[entry.path().stem()] = entry.path();
    }
  }

  // OBJECT.PROGRAM and OBJECT.PROGRAM.* if there are any, else OBJECT and OBJECT.*, else a family's. Mistakes are
  // printed to stderr and counted.
  std::vector<Found> of(const vm::ElfObject& object, const std::string& stem, const std::string& program) {
    std::vector<Found> found = matching(stem + "." + program);
    if (found.empty()) found = matching(stem);
    if (!found.empty()) return found;
    std::string family;
    for (const auto& [name, path] : files_) {
      if (name.ends_with('_') && stem.starts_with(name) && name.size() > family.size()) family = name;
    }
    if (family.empty()) return found;
    found = matching(family);
    for (Found& one : found) {
      std::erase_if(one.fixture.contents.maps, [&](const config::Map& map) {
        return std::ranges::none_of(object.maps, [&](const vm::MapDecl& m) { return m.spec.name == map.name.value; });
      });
    }
    return found;
  }
  // Files that no program took.
  [[nodiscard]] std::vector<std::string> unused() const {
    std::vector<std::string> names;
    for (const auto& [name, path] : files_) {
      if (!used_.contains(name)) names.push_back(name);
    }
    return names;
  }

 private:
  std::vector<Found> matching(const std::string& name) {
    std::vector<Found> found;
    for (const auto& [file, path] : files_) {
      const bool variant = file.starts_with(name + ".") && file.find('.', name.size() + 1) == std::string::npos &&
                           std::isdigit(static_cast<unsigned char>(file[name.size() + 1])) != 0;
      if (file != name && !variant) continue;
      Diagnostics diagnostics;
      auto fixture = pipeline::read_fixture(path, diagnostics);
      fmt::print(stderr, "{}", diagnostics.render());
      if (fixture) found.push_back({file, std::move(*fixture)});
      used_.insert(file);
    }
    return found;
  }

  std::map<std::string, std::string> files_;  // name without ending -> path
  std::set<std::string> used_;
};

struct Score {
  std::size_t ran = 0;  // frames that the kernel ran
  std::set<std::uint32_t> verdicts;
  std::string difference;  // the first; empty = none
  Executed executed;
};

void merge(Executed& into, const Executed& from) {
  into.reachable.resize(from.reachable.size());
  into.executed.resize(from.executed.size());
  for (std::size_t i = 0; i < from.reachable.size(); ++i) {
    into.reachable[i] = into.reachable[i] || from.reachable[i];
    into.executed[i] = into.executed[i] || from.executed[i];
  }
}

// Where contents differ; empty = nowhere.
std::string differing(const Contents& theirs, const Contents& ours) {
  for (const auto& [name, entries] : theirs) {
    const auto mine = ours.find(name);
    if (mine == ours.end()) continue;  // a map that only programs of other types use
    if (mine->second == entries) continue;
    if (mine->second.size() != entries.size()) {
      return fmt::format("map {}: {} entries in the kernel, {} here", name, entries.size(), mine->second.size());
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i] == mine->second[i]) continue;
      return fmt::format("map {}: kernel {} = {}, here {} = {}", name, hex(entries[i].first),
                         hex(entries[i].second, 160), hex(mine->second[i].first), hex(mine->second[i].second, 160));
    }
  }
  return {};
}

class Harness {
 public:
  Harness(const std::string& fixtures, const std::string& pcaps, const std::string& captures)
      : fixtures_(fixtures), made_(made_frames(pcaps)) {
    if (!captures.empty()) captured_ = captured_frames(captures, kOfEachCapture);
  }

  void object(const std::string& path) {
    const auto object = load_packaged(path, true);
    const std::string stem = stem_of(path);
    if (!object) return print({{"object", stem}, {"program", "*"}, {"kernel", true}, {"here", object.error().message}});
    for (const vm::LoadedProgram& each : object->programs) print(program(*object, stem, each));
    for (const vm::ListedProgram& listed : object->others) {
      if (listed.why.empty()) continue;  // of another type
      const Verdict verdict = ask_libbpf(path, listed.name);
      print({{"object", stem},
             {"program", listed.name},
             {"section", listed.section},
             {"kernel", verdict.accepted},
             {"kernel_why", last_words(verdict.log)},
             {"here", listed.why}});
    }
  }

  void summary() const {
    print({{"made", made_.size()}, {"captured", captured_.size()}, {"unused", fixtures_.unused()}});
  }

 private:
  static void print(const Json& row) {
    fmt::print("{}\n", row.dump(-1, ' ', false, Json::error_handler_t::replace));
    std::fflush(stdout);
  }

  Json program(const vm::ElfObject& object, const std::string& stem, const vm::LoadedProgram& program) {
    // Programs that read what only devmap programs may read are refused as XDP programs by both sides: they stay what
    // they are, and the engines are compared with one another.
    if (const auto attached = load_packaged(object.path, false);
        attached && attached->program(program.name) != nullptr) {
      const vm::LoadedProgram& real = *attached->program(program.name);
      if (real.type != program.type && !SluiceSubject::make(object, program.name, nullptr, pipeline::Engine::kInterp)) {
        return judged(*attached, stem, real, false);
      }
    }
    return judged(object, stem, program, true);
  }

  // `by_kernel`: whether the kernel can run it.
  Json judged(const vm::ElfObject& object, const std::string& stem, const vm::LoadedProgram& program, bool by_kernel) {
    Json row{{"object", stem}, {"program", program.name}, {"section", program.section}};
    describe(object, program, row);
    std::vector<Found> found = fixtures_.of(object, stem, program.name);
    if (found.empty()) found.emplace_back();  // empty maps
    Score score;
    Json names = Json::array();
    for (const Found& fixture : found) {
      if (!fixture.name.empty()) names.push_back(fixture.name);
      const auto ours = SluiceSubject::make(object, program.name, &fixture.fixture, pipeline::Engine::kInterp);
      if (!ours && ours.error().code == ErrorCode::kConfig) {
        score.difference = ours.error().message;
        continue;
      }
      if (!ours) {
        const Verdict verdict = ask(object.path, object, program);
        row.update(
            {{"kernel", verdict.accepted}, {"kernel_why", last_words(verdict.log)}, {"here", ours.error().message}});
        return row;
      }
      if (!by_kernel && !ask(object.path, object, program).accepted) {
        row.update({{"kernel", false}, {"kernel_why", "refuses it"}, {"here", ""}});
        return row;
      }
      const auto theirs = by_kernel ? run_in_kernel(**ours, score) : run_here(**ours);
      if (!theirs && theirs.error().code == ErrorCode::kProgram) {
        row.update({{"kernel", false}, {"kernel_why", theirs.error().message}, {"here", ""}});
        return row;
      }
      if (!theirs) {
        score.difference = theirs.error().message;
        continue;
      }
      for (const pipeline::Engine engine : kEngines) {
        if (score.difference.empty()) compare(*theirs, fixture.fixture, engine, score);
      }
      if (!score.difference.empty()) score.difference = fixture.name + ": " + score.difference;
    }
    row.update({{"kernel", true},
                {"here", ""},
                {"by_kernel", by_kernel},
                {"fixtures", names},
                {"ran", score.ran},
                {"verdicts", score.verdicts},
                {"difference", score.difference},
                {"reachable", std::ranges::count(score.executed.reachable, true)},
                {"executed", std::ranges::count(score.executed.executed, true)}});
    return row;
  }

  // What the kernel made of all frames, once for all engines.
  struct Answers {
    const vm::ElfObject& object;
    std::string stem, program;
    std::vector<const Input*> inputs;  // those of captures are the last ones
    std::size_t made = 0;              // how many are not of captures
    std::vector<Outcome> outcomes;
    Contents contents;
  };

  // Errors: kProgram when the kernel refuses the program.
  Result<Answers> run_in_kernel(const SluiceSubject& ours, Score& score) const {
    const auto theirs = KernelSubject::make(ours);
    if (!theirs) return theirs.error();
    Answers answers{.object = ours.object()};
    answers.program = ours.entry();
    answers.stem = stem_of(ours.object().path);
    const bool frags = ours.object().program(ours.entry())->frags;
    for (const auto* inputs : {&made_, &captured_}) {
      if (inputs == &captured_) answers.made = answers.inputs.size();
      for (const Input& input : *inputs) {
        // What test_run makes of longer ones, no driver does: it runs programs that know of one buffer on the first.
        if (frags || input.frame.size() <= pipeline::kLinuxLinear) answers.inputs.push_back(&input);
      }
    }
    for (std::size_t i = 0; i < answers.inputs.size(); ++i) {
      answers.outcomes.push_back((*theirs)->run(*answers.inputs[i]));
      const Outcome& outcome = answers.outcomes.back();
      if (!outcome.ran || i >= answers.made) continue;
      ++score.ran;
      score.verdicts.insert(outcome.verdict);
    }
    answers.contents = (*theirs)->contents();
    mask(answers.stem, answers.contents);
    return answers;
  }

  // The interpreter's answers, for programs that the kernel does not run outside a devmap.
  Result<Answers> run_here(SluiceSubject& ours) const {
    Answers answers{.object = ours.object()};
    answers.program = ours.entry();
    answers.stem = stem_of(ours.object().path);
    for (const Input& input : made_) {
      if (input.frame.size() > pipeline::kLinuxLinear) continue;
      answers.inputs.push_back(&input);
      answers.outcomes.push_back(ours.run(input));
    }
    answers.made = answers.inputs.size();
    answers.contents = ours.contents();
    mask(answers.stem, answers.contents);
    return answers;
  }

  // One engine's answers against the kernel's.
  static void compare(const Answers& theirs, const pipeline::Fixture& fixture, pipeline::Engine engine, Score& score) {
    const std::string_view name = pipeline::engine_name(engine);
    const auto ours = SluiceSubject::make(theirs.object, theirs.program, &fixture, engine);
    if (!ours) {
      score.difference = fmt::format("{}: {}", name, ours.error().message);
      return;
    }
    for (std::size_t i = 0; i < theirs.inputs.size(); ++i) {
      if (i == theirs.made && engine == pipeline::Engine::kInterp) merge(score.executed, (*ours)->executed());
      const Outcome sluice = (*ours)->run(*theirs.inputs[i]);
      if (sluice == theirs.outcomes[i]) continue;
      score.difference =
          fmt::format("{}: frame {}: {} of {}\n  kernel: {}\n  here:   {}", name, i, hex(theirs.inputs[i]->frame),
                      theirs.inputs[i]->frame.size(), described(theirs.outcomes[i]), described(sluice));
      return;
    }
    if (theirs.made == theirs.inputs.size() && engine == pipeline::Engine::kInterp)
      merge(score.executed, (*ours)->executed());
    if (!(*ours)->fault().empty()) score.difference = "fault: " + (*ours)->fault();
    if (!score.difference.empty()) return;
    Contents contents = (*ours)->contents();
    mask(theirs.stem, contents);
    score.difference = differing(theirs.contents, contents);
    if (!score.difference.empty()) score.difference = fmt::format("{}: {}", name, score.difference);
  }

  // Map types and helpers of the program, its sub-programs included.
  static void describe(const vm::ElfObject& object, const vm::LoadedProgram& program, Json& row) {
    std::vector<bool> used(object.maps.size());
    vm::mark_maps(object, program, used);
    std::set<std::string> maps, helpers;
    for (std::size_t i = 0; i < used.size(); ++i) {
      const bool declared = object.maps[i].origin == vm::MapDecl::Origin::kDeclared;
      if (used[i]) maps.emplace(declared ? vm::map_type_name(object.maps[i].spec.type) : "globals");
    }
    for (const vm::Insn& insn : program.insns) {
      constexpr std::uint8_t kCall = 0x85;
      if (insn.opcode != kCall || insn.src != 0) continue;
      const vm::HelperDesc* const helper = helpers::table().find(insn.imm);
      helpers.insert(helper != nullptr ? std::string(helper->name) : fmt::format("#{}", insn.imm));
    }
    row["maps"] = maps;
    row["helpers"] = helpers;
  }

  Fixtures fixtures_;
  std::vector<Input> made_, captured_;
};

}  // namespace
}  // namespace sluice::kernel

int main(int argc, char** argv) {
  using namespace sluice;  // NOLINT(google-build-using-namespace)
  if (const std::string why = kernel::unavailable(); !why.empty()) {
    std::fprintf(stderr, "%s\n", why.c_str());
    return 5;
  }
  if (argc < 4) return 2;
  kernel::pin_to_cpu0();
  kernel::Harness harness(argv[1], argv[2], argv[3]);
  for (int i = 4; i < argc; ++i) harness.object(argv[i]);
  harness.summary();
  return 0;
}
