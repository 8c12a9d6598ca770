// sluice run CONFIG [--set K=V]... [--for 10s]: carries frames until told to stop, then says where they all went.
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "dataplane/cli/common.h"
#include "dataplane/cli/load.h"
#include "dataplane/cli/run_report.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/config/config.h"
#include "dataplane/io/eal.h"
#include "dataplane/io/live.h"
#include "dataplane/pipeline/rings.h"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kWatch{100};             // how often devices are looked at
constexpr milliseconds kDrain{10};              // how often records are taken out of rings
constexpr std::uint32_t kPerfBytes = 1U << 20;  // of a worker's ring: room for what it writes in that time

void say(const std::string& text) { std::fputs(text.c_str(), stderr); }

Result<std::optional<milliseconds>> duration_of(const std::string& text) {
  if (text.empty()) return std::optional<milliseconds>();
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  struct Unit {
    std::string_view name;
    std::uint64_t ms;
  };
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  const auto* const found = std::ranges::find(kUnits, unit, &Unit::name);
  if (error != std::errc() || found == std::end(kUnits) || number == 0) {
    return Error{ErrorCode::kUsage, fmt::format("--for {}: expected a time such as 10s, 500ms or 2m", printable(text))};
  }
  return std::optional(milliseconds(number * found->ms));
}

// SIGINT and SIGTERM held back from every thread made later; the main thread asks for them.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // The other end of a vhost or memif socket may go before its device is closed.
    std::signal(SIGPIPE, SIG_IGN);
  }
  // The signal that came within `time`, or 0.
  int wait(milliseconds time) const {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
    const timespec limit{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    return std::max(0, sigtimedwait(&set_, nullptr, &limit));
  }

 private:
  sigset_t set_{};
};

// Waits for the end; its signal, or 0 when the time was up.
int carry(io::Live& live, pipeline::RingReader& rings, const Signals& signals, std::optional<milliseconds> duration) {
  const auto start = Clock::now();
  auto look = start + kWatch;
  for (;;) {
    milliseconds wait = rings.empty() ? kWatch : kDrain;
    if (duration) {
      const auto left = std::chrono::ceil<milliseconds>(start + *duration - Clock::now());
      if (left <= milliseconds(0)) return 0;
      wait = std::min(wait, left);
    }
    if (const int signal = signals.wait(wait); signal != 0) return signal;
    rings.drain();
    if (Clock::now() < look) continue;
    look = Clock::now() + kWatch;
    for (const std::string& port : live.watch()) {
      say(fmt::format("sluice: port {}: its interface is gone; frames for it are dropped (port_down)\n", port));
    }
  }
}

int finish(const Run& options, const RunPrint& run) {
  std::fputs((options.common.json    ? run_json(run, options)
              : options.common.quiet ? ""
                                     : run_text(run))
                 .c_str(),
             stdout);
  if (const auto broken = pipeline::imbalance(run.report.stats)) {
    say(fmt::format("sluice: internal error: the counters do not add up: {}\n", *broken));
    return kInternal;
  }
  if (run.report.lost_buffers != 0) {
    say(fmt::format("sluice: internal error: {} frame buffers were lost\n", run.report.lost_buffers));
    return kInternal;
  }
  return run.ended == "SIGINT" ? kInterrupted : kOk;
}

}  // namespace

int run(const Run& options) {
  auto engine = pipeline::engine_of(options.engine);
  if (!engine) return fail(engine.error());
  auto duration = duration_of(options.duration);
  if (!duration) return fail(duration.error());
  const Signals signals;

  config::Sources sources;
  Diagnostics diagnostics;
  const auto config = config::read_config(options.config, {.set = options.set}, sources, diagnostics);
  if (!config || !options.common.quiet) say(diagnostics.render());
  if (!config) return kConfig;
  const unsigned workers = io::worker_count(config->workers);
  const auto loaded = load_pipelines(*config, sources, {*engine}, options.common.quiet, workers);
  if (loaded.exit != kOk) return loaded.exit;
  const pipeline::Pipeline& pipeline = *loaded.pipelines.front();

  auto rings = pipeline::RingReader::open(pipeline, {.perf_bytes = kPerfBytes});
  if (!rings) return fail(rings.error());
  auto live = io::Live::start(*config, pipeline);
  if (!live) return fail(live.error());
  if (!options.common.quiet) say(fmt::format("sluice: {} runs: {}\n", config->name, (*live)->summary()));
  const auto start = Clock::now();
  const int signal = carry(**live, **rings, signals, *duration);
  const io::LiveReport report = (*live)->stop();
  (*rings)->drain();
  const std::chrono::duration<double> seconds = Clock::now() - start;
  return finish(options, {.pipeline = pipeline,
                          .report = report,
                          .rings = (*rings)->counters(),
                          .seconds = seconds.count(),
                          .ended = signal == 0        ? "duration"
                                   : signal == SIGINT ? "SIGINT"
                                                      : "SIGTERM"});
}

std::string live_version() { return "dpdk: " + io::dpdk_version(); }

}  // namespace sluice::cli
