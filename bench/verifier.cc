// Wall time of verifying a program against the running kernel's own, on the hardest of the programs in the objects
// named: those that took the kernel longest. Rounds are interleaved, medians printed. Needs the right to load programs.
//     bench/verifier [--top N] [--rounds N] [--json FILE] [OBJECT...]
//
// The kernel's time is the "verification time" that its verifier reports itself with log level 4, which writes one
// block of numbers at the end and nothing on the way. It covers the verifier from its start to its last rewriting of
// instructions, not the system call's copying and not the JIT of the program. Sub-programs are compiled by a step in
// between: that share cannot be taken out, and is small (microseconds). Ours is the whole of verifier::verify. The peak
// is that of the whole process while one program is verified.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <malloc.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/kernel/peer.h"
#include "helpers/table.h"
#include "verifier/verifier.h"
#include "vm/elf.h"

namespace sluice {
namespace {

struct Subject {
  std::string object, name;
  vm::LoadedProgram program;         // bound
  std::vector<double> theirs, ours;  // ms, one a round
  kernel::VerifierStatistics kernel;
  verifier::Statistics statistics;
  double peak_mb = 0;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// MB of "VmHWM", "VmRSS" in /proc/self/status.
double memory_mb(const std::string& what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(what + ":")) return std::strtod(line.c_str() + what.size() + 1, nullptr) / 1024;
  }
  return 0;
}
void reset_peak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

// False: the kernel does not take it.
bool time_kernel(Subject& subject) {
  const std::string names[] = {subject.name};
  auto object = kernel::Object::open(subject.object, names);
  if (!object) return false;
  for (const auto& map : subject.program.maps) {  // sizes left open, as ours
    if (map != nullptr && map->spec().max_entries == 1) (void)object->resize(map->spec().name, 1);
  }
  object->want_statistics();
  const kernel::Verdict verdict = object->load();
  if (!verdict.accepted) return false;
  const auto statistics = kernel::read_statistics(verdict.log);
  if (!statistics) return false;
  subject.kernel = *statistics;
  subject.theirs.push_back(static_cast<double>(statistics->microseconds) / 1000);
  return true;
}

bool time_ours(Subject& subject) {
  vm::LoadedProgram program = subject.program;
  const auto start = std::chrono::steady_clock::now();
  const verifier::Outcome outcome = verifier::verify(std::move(program), helpers::table());
  const auto spent = std::chrono::steady_clock::now() - start;
  if (!outcome.accepted()) return false;
  subject.statistics = outcome.statistics;
  subject.ours.push_back(std::chrono::duration<double, std::milli>(spent).count());
  return true;
}

void measure_peak(Subject& subject) {
  reset_peak();
  if (time_ours(subject)) subject.ours.pop_back();
  subject.peak_mb = memory_mb("VmHWM");
}

// The programs of one object that both sides take.
void add_subjects(const std::string& path, std::vector<Subject>& subjects) {
  auto object = vm::load_elf(path, {.list_only = true});
  if (!object) return;
  for (vm::MapDecl& map : object->maps) {
    if (map.spec.max_entries == 0) map.spec.max_entries = 1;
  }
  for (const vm::LoadedProgram& program : object->programs) {
    std::vector<bool> used(object->maps.size());
    vm::mark_maps(*object, program, used);
    const auto maps = vm::make_maps(*object, 1, used);
    if (!maps) continue;
    Subject subject{.object = path, .name = program.name, .program = vm::bind(program, *maps)};
    if (!time_kernel(subject) || !time_ours(subject)) continue;
    subjects.push_back(std::move(subject));
  }
}

void print(const std::vector<Subject>& subjects, unsigned rounds) {
  fmt::print("verification, median of {} interleaved rounds\n\n", rounds);
  fmt::print("{:44}{:>7}{:>11}{:>11}{:>10}{:>10}{:>7}{:>9}\n", "program", "insns", "processed", "by kernel", "ms",
             "kernel ms", "ratio", "peak MB");
  double logs = 0;
  double worst = 0;
  double peak = 0;
  for (const Subject& s : subjects) {
    const double ratio = median(s.ours) / median(s.theirs);
    logs += std::log(ratio);
    worst = std::max(worst, ratio);
    peak = std::max(peak, s.peak_mb);
    const std::string file = s.object.substr(s.object.rfind('/') + 1);
    fmt::print("{:44}{:>7}{:>11}{:>11}{:>10.3f}{:>10.3f}{:>7.3f}{:>9.1f}\n",
               fmt::format("{} {}", file, s.name).substr(0, 43), s.statistics.insns, s.statistics.processed,
               s.kernel.processed, median(s.ours), median(s.theirs), ratio, s.peak_mb);
  }
  fmt::print("\ngeometric mean of the ratios {:.3f}, worst {:.3f}, peak memory {:.1f} MB\n",
             std::exp(logs / static_cast<double>(subjects.size())), worst, peak);
}

void write_json(const std::vector<Subject>& subjects, const std::string& path) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Subject& s : subjects) {
    rows.push_back({{"object", s.object},
                    {"program", s.name},
                    {"ms", median(s.ours)},
                    {"kernel_ms", median(s.theirs)},
                    {"processed", s.statistics.processed},
                    {"kernel_processed", s.kernel.processed},
                    {"peak_mb", s.peak_mb}});
  }
  std::ofstream(path) << rows.dump(1) << "\n";
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  using namespace sluice;  // NOLINT(google-build-using-namespace)
  std::size_t top = 10;
  unsigned rounds = 9;
  std::string json;
  std::vector<std::string> objects;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--top" && i + 1 < argc) {
      top = std::strtoul(argv[++i], nullptr, 10);
    } else if (argument == "--rounds" && i + 1 < argc) {
      rounds = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    } else if (argument == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else {
      objects.push_back(argument);
    }
  }
  if (const std::string why = kernel::unavailable(); !why.empty()) {
    std::fprintf(stderr, "%s\n", why.c_str());
    return 5;
  }
  std::vector<Subject> subjects;
  for (const std::string& object : objects) add_subjects(object, subjects);
  fmt::print("{} programs of {} objects load on both sides\n", subjects.size(), objects.size());
  if (subjects.empty()) return 1;
  std::ranges::sort(subjects, std::ranges::greater{}, [](const Subject& s) { return s.theirs.front(); });
  subjects.resize(std::min(top, subjects.size()));
  for (Subject& subject : subjects) {
    subject.theirs.clear();
    subject.ours.clear();
    measure_peak(subject);
  }
  for (unsigned round = 0; round < rounds; ++round) {
    for (Subject& subject : subjects) {
      if (!time_kernel(subject) || !time_ours(subject)) return 1;
    }
  }
  print(subjects, rounds);
  if (!json.empty()) write_json(subjects, json);
  return 0;
}
