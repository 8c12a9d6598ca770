// ns a frame of small programs on every engine, hot, and of the running kernel beside them where we may load programs
// into it. Repetitions are interleaved at random and medians printed. The kernel's figure is that of `sluice bench
// --against kernel`: of a program that calls the one in question 64 times a run.
//     bench/engines DIRECTORY-OF-OBJECTS [GOOGLE BENCHMARK OPTIONS]
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "dataplane/kernel/peer.h"
#include "dataplane/kernel/timing.h"
#include "dataplane/pipeline/bench.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/runner.h"
#include "helpers/table.h"
#include "verifier/verifier.h"
#include "vm/elf.h"

namespace sluice {
namespace {

constexpr unsigned kBurst = 32;
constexpr double kKernelSeconds = 0.02;

struct Case {
  std::string name, object, program;
};

// The entry every look-up finds: the frame's destination MAC, VLAN 0 -> XDP_DROP.
std::array<std::byte, 8> fdb_key() {
  std::array<std::byte, 8> key{};
  std::copy_n(pipeline::small_udp_frame().begin(), 6, key.begin());
  return key;
}
constexpr std::uint64_t kFdbValue = 1;

template <typename T>
T or_stop(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(5);
  }
  return std::move(result).value();
}

pipeline::Runner make_runner(const Case& c, pipeline::Engine engine) {
  const vm::ElfObject object = or_stop(vm::load_elf(c.object));
  const auto maps = or_stop(vm::make_maps(object, 1));
  for (std::size_t i = 0; i < maps.size(); ++i) {
    if (object.maps[i].spec.name != "fdb") continue;
    maps[i]->update(fdb_key().data(), reinterpret_cast<const std::byte*>(&kFdbValue), vm::UpdateMode::kAny, 0);
  }
  const vm::LoadedProgram* program = object.program(c.program);
  if (program == nullptr) {
    std::fprintf(stderr, "%s has no program %s\n", c.object.c_str(), c.program.c_str());
    std::exit(5);
  }
  verifier::Outcome outcome = verifier::verify(vm::bind(*program, maps), helpers::table());
  if (!outcome.accepted()) {
    std::fprintf(stderr, "%s", verifier::render(outcome.rejection(), *program).c_str());
    std::exit(4);
  }
  return or_stop(pipeline::Runner::make(std::move(outcome).take(), engine, helpers::table()));
}

void count_frames(benchmark::State& state, double frames_an_iteration) {
  state.counters["s/frame"] = benchmark::Counter(
      frames_an_iteration, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void run_engine(benchmark::State& state, const Case& c, pipeline::Engine engine) {
  const pipeline::Runner runner = make_runner(c, engine);
  std::vector<pipeline::FrameBuffer> buffers(kBurst, pipeline::FrameBuffer(pipeline::FrameModel::kNative));
  std::vector<vm::XdpContext> contexts(kBurst);
  std::vector<std::uint32_t> verdicts(kBurst);
  const std::vector<std::byte> bytes = pipeline::small_udp_frame();
  for (unsigned i = 0; i < kBurst; ++i) buffers[i].load(bytes, false, contexts[i]);
  vm::ExecEnv env;
  for (auto _ : state) {
    runner.burst(contexts.data(), kBurst, verdicts.data(), env);
    benchmark::DoNotOptimize(verdicts.data());
    benchmark::ClobberMemory();
  }
  count_frames(state, kBurst);
}

void run_kernel(benchmark::State& state, const Case& c) {
  const pipeline::Runner runner = make_runner(c, pipeline::Engine::kInterp);
  const auto timer = kernel::ProgramTimer::make(runner.program());
  if (!timer) {
    state.SkipWithError(timer.error().message.c_str());
    return;
  }
  const std::vector<std::vector<std::byte>> frames = {pipeline::small_udp_frame()};
  for (auto _ : state) {
    const auto time = timer->measure(frames, kKernelSeconds);
    if (!time) {
      state.SkipWithError(time.error().message.c_str());
      return;
    }
    state.SetIterationTime(time->ns * 1e-9);
  }
  count_frames(state, 1);
}

void add_benchmarks(const std::string& directory) {
  static const std::vector<Case> kCases = {
      {"drop", directory + "/drop.bpf.o", "xdp_drop"},
      {"parse_count", directory + "/parse_count.bpf.o", "parse_count"},
      {"hash_lookup", directory + "/hash_lookup.bpf.o", "hash_lookup"},
  };
  const bool with_kernel = kernel::unavailable().empty();
  for (const Case& c : kCases) {
    benchmark::RegisterBenchmark((c.name + "/interp").c_str(),
                                 [&c](benchmark::State& state) { run_engine(state, c, pipeline::Engine::kInterp); });
    benchmark::RegisterBenchmark((c.name + "/jit").c_str(),
                                 [&c](benchmark::State& state) { run_engine(state, c, pipeline::Engine::kJit); });
    if (with_kernel) {
      benchmark::RegisterBenchmark((c.name + "/kernel").c_str(),
                                   [&c](benchmark::State& state) { run_kernel(state, c); })
          ->UseManualTime()
          ->Iterations(1);
    }
  }
  if (!with_kernel) std::fprintf(stderr, "without the kernel: %s\n", kernel::unavailable().c_str());
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY-OF-OBJECTS [GOOGLE BENCHMARK OPTIONS]\n", argv[0]);
    return 2;
  }
  const std::string directory = argv[1];
  std::vector<std::string> options = {argv[0], "--benchmark_enable_random_interleaving=true",
                                      "--benchmark_repetitions=9", "--benchmark_report_aggregates_only=true",
                                      "--benchmark_min_time=0.05"};
  options.insert(options.end(), argv + 2, argv + argc);
  std::vector<char*> pointers;
  for (std::string& option : options) pointers.push_back(option.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  sluice::add_benchmarks(directory);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
