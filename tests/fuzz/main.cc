// Differential fuzzing of the verifier against the running kernel's, and of the engines against each other and the
// kernel. Program number n of a seed is always the same program.
//
//     sluice_fuzz [--seed N] [--programs N | --seconds N] [--only N] [--out FOLDER]
//
// Prints counts; writes the first findings of each cause, cut short, as assembler text. Exit 1 on a wrong accept, a
// fault, engines that differ, or too many wrong refusals; 77 where bpf(2) is not permitted.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "tests/fuzz/generator.h"
#include "tests/fuzz/judge.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/programs.h"
#include "tests/verifier/case.h"
#include "tests/verifier/kernel.h"
#include "vm/asm.h"
#include "vm/elf.h"

namespace sluice::fuzz {
namespace {

constexpr double kMostRefused = 0.005;  // wrong refusals of all programs
constexpr unsigned kMutantPercent = 40;
constexpr unsigned kExamples = 2;  // of each cause
constexpr std::chrono::seconds kMostShrinking{5};

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t programs = 0;
  double seconds = 0;
  std::optional<std::uint64_t> only;
  std::string out;
};

// What mutants are made of.
struct Origin {
  std::string name;
  vm::LoadedProgram program;
  std::shared_ptr<Peers> peers;
};

bool gets_frames(const vm::LoadedProgram& program) { return program.type->context == vm::ContextKind::kXdp; }

void add_cases(std::vector<Origin>& origins) {
  for (const char* folder : {"accept", "reject"}) {
    for (const std::string& name : testing_support::case_names(folder)) {
      auto one = testing_support::read_case(folder, name);
      if (!gets_frames(one.program)) continue;
      auto peers = std::make_shared<Peers>(one.program.maps);
      origins.push_back({fmt::format("{}/{}", folder, name), std::move(one.program), std::move(peers)});
    }
  }
}

void add_objects(std::vector<Origin>& origins, const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".o") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  for (const std::string& path : paths) {
    const auto object = vm::load_elf(path, {.list_only = true});
    if (!object) continue;
    const auto maps = vm::make_maps(*object, 1);
    if (!maps) continue;
    // A prog array takes its owner from the first program that names it.
    std::map<std::pair<std::string_view, bool>, std::shared_ptr<Peers>> owners;
    for (const vm::LoadedProgram& program : object->programs) {
      if (!gets_frames(program)) continue;
      auto& peers = owners[{program.type->name, program.frags}];
      if (peers == nullptr) peers = std::make_shared<Peers>(*maps);
      origins.push_back({fmt::format("{} {}", std::filesystem::path(path).filename().string(), program.name),
                         vm::bind(program, *maps), peers});
    }
  }
}

std::string source(const vm::LoadedProgram& program) {
  std::string text;
  for (const auto& map : program.maps) {
    const vm::MapSpec& spec = map->spec();
    text += fmt::format("# map: {} {} {} {}\n", vm::map_type_name(spec.type), spec.key_size, spec.value_size,
                        spec.max_entries);
  }
  for (std::size_t slot = 0; slot < program.insns.size(); ++slot) {
    const vm::InsnRow* const row = vm::find(program.insns[slot]);
    text += fmt::format("    {}  # {}\n", vm::disassemble(program.insns, slot), slot);
    if (row != nullptr && vm::slots(*row) == 2) ++slot;
  }
  return text;
}

// What is running when the process dies of a signal.
std::uint64_t running_seed = 0, running_program = 0;

void say_and_die(int signal) {
  std::array<char, 128> line{};
  const auto end = fmt::format_to_n(line.data(), line.size(), "signal {}: --seed {} --only {}\n", signal, running_seed,
                                    running_program);
  if (::write(STDERR_FILENO, line.data(), std::min(end.size, line.size())) < 0) _exit(1);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

class Fuzzer {
 public:
  explicit Fuzzer(Options options) : options_(std::move(options)) {
    Maps maps;
    for (const std::string_view line : kGeneratedMaps)
      maps.push_back(testing_support::make_case_map(std::string(line)));
    generated_ = std::make_shared<Peers>(std::move(maps));
    add_cases(origins_);
    add_objects(origins_, SLUICE_PROGRAMS);
    add_objects(origins_, SLUICE_TEST_OBJECTS);
    std::string why;
    std::erase_if(origins_, [&](const Origin& origin) { return !origin.peers->complete(why); });
  }

  int run() {
    if (options_.only) {
      one(*options_.only);
    } else {
      const auto start = std::chrono::steady_clock::now();
      for (std::uint64_t n = 0; options_.programs == 0 || n < options_.programs; ++n) {
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        if (options_.seconds > 0 && spent.count() > options_.seconds) break;
        one(n);
      }
    }
    return report();
  }

 private:
  void one(std::uint64_t n) {
    running_seed = options_.seed;
    running_program = n;
    std::mt19937_64 random(options_.seed * 0x9e3779b97f4a7c15U + n);
    std::string from = "generated";
    Peers* peers = generated_.get();
    vm::LoadedProgram program;
    const std::uint64_t seed = random();
    if (random() % 100 < kMutantPercent) {
      const Origin& origin = origins_[random() % origins_.size()];
      from = "mutant of " + origin.name;
      peers = origin.peers.get();
      program = origin.program;
      mutate(program, random);
    } else {
      program = testing_support::program_from_asm(generate(seed), vm::xdp_type(), peers->maps());
      if (random() % 100 < 10) mutate(program, random);
    }
    program.license = "GPL";
    program.lines.clear();
    if (options_.only) std::printf("%s\n%s", from.c_str(), source(program).c_str());
    const Judgement judgement = judge(program, *peers, seed);
    ++counts_[static_cast<std::size_t>(judgement.finding)];
    ++total_;
    compared_ += judgement.compared ? 1 : 0;
    if (options_.only) std::printf("%s: %s\n", std::string(name(judgement.finding)).c_str(), judgement.what.c_str());
    if (!judgement.signature.empty()) keep(n, from, program, judgement, *peers, seed);
  }

  void keep(std::uint64_t n, const std::string& from, const vm::LoadedProgram& program, const Judgement& judgement,
            Peers& peers, std::uint64_t seed) {
    const unsigned count = ++signatures_[fmt::format("{}: {}", name(judgement.finding), judgement.signature)];
    const bool listed = judgement.finding == Finding::kListedAccept || judgement.finding == Finding::kListedRefusal;
    if (options_.out.empty() || count > kExamples || listed) return;
    const auto start = std::chrono::steady_clock::now();
    const vm::LoadedProgram shorter = shrink(program, [&](const vm::LoadedProgram& candidate) {
      if (std::chrono::steady_clock::now() - start > kMostShrinking) return false;
      const Judgement again = judge(candidate, peers, seed);
      return again.finding == judgement.finding && again.signature == judgement.signature;
    });
    std::filesystem::create_directories(options_.out);
    std::ofstream file(fmt::format("{}/{}-{}.txt", options_.out, static_cast<unsigned>(judgement.finding), n));
    file << "# " << name(judgement.finding) << "\n# seed " << options_.seed << " program " << n << ", " << from << "\n";
    std::string what = judge(shorter, peers, seed).what;
    for (std::size_t at = 0; (at = what.find('\n', at)) != std::string::npos && at + 1 < what.size(); at += 3) {
      what.replace(at, 1, "\n# ");
    }
    file << "# " << what << '\n' << source(shorter);
  }

  int report() const {
    std::printf("seed %llu, %llu programs, %llu of them with the same end in the kernel\n",
                static_cast<unsigned long long>(options_.seed), static_cast<unsigned long long>(total_),
                static_cast<unsigned long long>(compared_));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      std::printf("%10llu  %s\n", static_cast<unsigned long long>(counts_[i]),
                  std::string(name(static_cast<Finding>(i))).c_str());
    }
    for (const auto& [signature, count] : signatures_) std::printf("%10u  %s\n", count, signature.c_str());
    const auto of = [&](Finding finding) { return counts_[static_cast<std::size_t>(finding)]; };
    const bool bad = of(Finding::kWrongAccept) + of(Finding::kViolation) + of(Finding::kEnginesDiffer) > 0;
    const bool strict = static_cast<double>(of(Finding::kWrongRefusal)) > kMostRefused * static_cast<double>(total_);
    return bad || (strict && !options_.only) ? 1 : 0;
  }

  Options options_;
  std::shared_ptr<Peers> generated_;
  std::vector<Origin> origins_;
  std::array<std::uint64_t, static_cast<std::size_t>(Finding::kCount)> counts_{};
  std::uint64_t total_ = 0, compared_ = 0;
  std::map<std::string, unsigned> signatures_;
};

int usage() {
  std::fprintf(stderr, "usage: sluice_fuzz [--seed N] [--programs N | --seconds N] [--only N] [--out FOLDER]\n");
  return 2;
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view key = argv[i];
    if (i + 1 >= argc) return usage();
    const char* const value = argv[i + 1];
    if (key == "--seed") {
      options.seed = std::strtoull(value, nullptr, 0);
    } else if (key == "--programs") {
      options.programs = std::strtoull(value, nullptr, 0);
    } else if (key == "--seconds") {
      options.seconds = std::strtod(value, nullptr);
    } else if (key == "--only") {
      options.only = std::strtoull(value, nullptr, 0);
    } else if (key == "--out") {
      options.out = value;
    } else {
      return usage();
    }
  }
  if (options.programs == 0 && options.seconds == 0 && !options.only) options.programs = 1000;
  std::string why;
  if (!testing_support::kernel_available(why)) {
    std::printf("SKIP: %s; nothing was compared\n", why.c_str());
    return 77;
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::signal(signal, say_and_die);
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  sched_setaffinity(0, sizeof first, &first);  // per-CPU values and CPU numbers meet
  return Fuzzer(std::move(options)).run();
}

}  // namespace
}  // namespace sluice::fuzz

int main(int argc, char** argv) { return sluice::fuzz::run(argc, argv); }
