// sluice bench OBJ|CONFIG [--pcap F] [--engine E]... [--against kernel]: ns a frame of one program, or of the pipeline
// of one port from its entry program to the last verdict. Rounds are interleaved; the median counts.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/against/against.h"
#include "dataplane/cli/common.h"
#include "dataplane/cli/fixture.h"
#include "dataplane/cli/load.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/pipeline/bench.h"
#include "dataplane/replay/reader.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using Frames = std::vector<std::vector<std::byte>>;

constexpr double kSliceSeconds = 0.02;  // of one engine in one round
constexpr std::uint32_t kMostRounds = 1000;

// One program ready on every engine, with what keeps it alive.
struct Subject {
  struct On {
    pipeline::Engine engine;
    const pipeline::Runner* runner = nullptr;
    std::uint16_t stage = 0;
    const pipeline::Pipeline* pipeline = nullptr;  // null: one program of an object
    std::size_t chain = 0;                         // of its chains()
  };
  std::string program;
  std::uint32_t ifindex = 1;
  bool has_links = false;  // several programs by `chain:`
  std::vector<On> engines;
  // Maps are made anew for each engine: none finds what another wrote.
  std::vector<std::unique_ptr<OpenObject>> objects;
  std::vector<std::unique_ptr<ReadyPrograms>> programs;
  LoadedPipelines loaded;
};

// An exit code when what is wrong has been said already.
using Made = std::variant<Subject, Error, int>;

Made of_object(const Bench& options, const std::vector<pipeline::Engine>& engines) {
  pipeline::Fixture fixture;
  if (!options.maps.empty()) {
    auto read = read_fixture(options.maps);
    if (!read) return int{kConfig};
    fixture = std::move(*read);
  }
  Subject subject;
  for (const pipeline::Engine engine : engines) {
    const OpenOptions open{.fixture = &fixture,
                           .unset_is_one = false,
                           .program = options.program,
                           .btf = {},
                           .kconfig = {},
                           .type = options.type};
    auto object = open_object(options.subject, open);
    if (!object) return std::move(object).error();
    subject.objects.push_back(std::make_unique<OpenObject>(std::move(*object)));
    const auto program = choose_program(subject.objects.back()->object, options.program);
    if (!program) return program.error();
    subject.programs.push_back(std::make_unique<ReadyPrograms>(*subject.objects.back(), engine));
    const auto ready = subject.programs.back()->get(**program);
    if (!ready) return ready.error();
    if (const int exit = apply_fixture(fixture, *subject.programs.back(), **program); exit != kOk) return exit;
    subject.program = (*program)->name;
    subject.engines.push_back({engine, &(*ready)->runner, (*ready)->slot.stage});
  }
  return subject;
}

// The port that frames come in by.
Result<std::size_t> choose_port(const pipeline::Pipeline& pipeline, const std::string& name) {
  const auto ports = pipeline.ports();
  const auto found = std::ranges::find_if(ports, [&](const pipeline::Port& port) {
    return name.empty() ? port.ingress != pipeline::kNone : port.name == name;
  });
  if (found == ports.end()) {
    return Error{ErrorCode::kUsage, name.empty() ? std::string("no port has an ingress pipeline")
                                                 : fmt::format("no port is called '{}'", printable(name))};
  }
  if (found->ingress == pipeline::kNone) {
    return Error{ErrorCode::kUsage, fmt::format("port {} has no ingress pipeline", found->name)};
  }
  return static_cast<std::size_t>(found - ports.begin());
}

Made of_config(const Bench& options, const std::vector<pipeline::Engine>& engines) {
  config::Sources sources;
  Diagnostics diagnostics;
  const auto config = config::read_config(options.subject, {.set = options.set}, sources, diagnostics);
  if (!config || !options.common.quiet) fmt::print(stderr, "{}", diagnostics.render());
  if (!config) return int{kConfig};
  Subject subject;
  subject.loaded = load_pipelines(*config, sources, engines, options.common.quiet);
  if (subject.loaded.exit != kOk) return subject.loaded.exit;
  for (std::size_t i = 0; i < engines.size(); ++i) {
    const pipeline::Pipeline& pipeline = *subject.loaded.pipelines[i];
    const auto port = choose_port(pipeline, options.port);
    if (!port) return port.error();
    const pipeline::Port& chosen = pipeline.ports()[*port];
    const pipeline::Chain& chain = pipeline.chains()[static_cast<std::size_t>(chosen.ingress)];
    const pipeline::Stage& stage = pipeline.stage(chain.entry);
    subject.program = fmt::format("{} from {}", chain.name, chosen.name);
    subject.ifindex = chosen.ifindex;
    subject.has_links = !chain.links.empty();
    subject.engines.push_back(
        {engines[i], &stage.runner, chain.entry, &pipeline, static_cast<std::size_t>(chosen.ingress)});
  }
  return subject;
}

Result<bool> is_object(const std::string& path) {
  const auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  constexpr char kElfMagic[] = {0x7f, 'E', 'L', 'F'};
  return bytes->size() >= sizeof(kElfMagic) && std::memcmp(bytes->data(), kElfMagic, sizeof(kElfMagic)) == 0;
}

Result<Frames> read_frames(const std::string& path) {
  if (path.empty()) return Frames{pipeline::small_udp_frame()};
  const auto reader = replay::open_capture(path);
  if (!reader) return reader.error();
  Frames frames;
  replay::Record record;
  while (frames.size() < pipeline::ProgramTimer::kFrames && (*reader)->next(record)) {
    frames.emplace_back(record.bytes.begin(), record.bytes.end());
  }
  if (frames.empty()) {
    return Error{ErrorCode::kEnvironment, fmt::format("{}: {}", path, (*reader)->damage().value_or("no frame in it"))};
  }
  return frames;
}

struct Row {
  std::string engine;
  std::vector<double> ns;         // by round
  std::optional<double> insns;    // a frame; only the interpreter counts
  std::optional<double> call_ns;  // only the kernel's
  [[nodiscard]] double middle() const { return pipeline::median(ns); }
};

struct Measured {
  std::vector<Row> rows;  // the kernel's last
  bool with_kernel = false;
  bool changes_frames = false;
};

// What the kernel would refuse to run: shorter than an Ethernet header.
Frames for_kernel(const Frames& frames) {
  Frames fit;
  std::ranges::copy_if(frames, std::back_inserter(fit), [](const auto& frame) {
    return frame.size() >= pipeline::kShortestLinuxFrame && frame.size() <= pipeline::kLinuxLinear;
  });
  return fit;
}

Result<Measured> measure(const Subject& subject, const Frames& frames, Peer* peer, std::uint32_t rounds) {
  Measured measured{.rows = {}, .with_kernel = peer != nullptr};
  std::vector<pipeline::ProgramTimer> timers;
  for (const Subject::On& on : subject.engines) {
    auto timer = on.pipeline != nullptr ? pipeline::ProgramTimer::make(*on.pipeline, on.chain, frames, subject.ifindex)
                                        : pipeline::ProgramTimer::make(*on.runner, frames, subject.ifindex, on.stage);
    if (!timer) return std::move(timer).error();
    timers.push_back(std::move(*timer));
    measured.changes_frames = timers.back().changes_frames();
    Row row{.engine = std::string(pipeline::engine_name(on.engine)), .ns = {}, .insns = {}, .call_ns = {}};
    if (on.engine == pipeline::Engine::kInterp) row.insns = timers.back().insns();
    measured.rows.push_back(std::move(row));
  }
  if (peer != nullptr) measured.rows.push_back({.engine = "kernel", .ns = {}, .insns = {}, .call_ns = {}});
  const Frames theirs = for_kernel(frames);
  std::vector<double> calls;
  for (std::uint32_t round = 0; round <= rounds; ++round) {
    const bool counts = round > 0;  // the first one warms up
    for (std::size_t i = 0; i < timers.size(); ++i) {
      const double ns = timers[i].measure(kSliceSeconds);
      if (counts) measured.rows[i].ns.push_back(ns);
    }
    if (peer == nullptr) continue;
    const auto time = peer->measure(theirs, kSliceSeconds);
    if (!time) return time.error();
    if (!counts) continue;
    measured.rows.back().ns.push_back(time->ns);
    calls.push_back(time->call_ns);
  }
  if (peer != nullptr) measured.rows.back().call_ns = pipeline::median(calls);
  return measured;
}

Json number(const std::optional<double>& value) { return value ? Json(std::round(*value * 100) / 100) : Json(nullptr); }

// The kernel's time divided by this row's, with the call of the program and without it.
std::pair<std::optional<double>, std::optional<double>> ratios(const Measured& measured, const Row& row) {
  if (!measured.with_kernel || row.call_ns || row.middle() <= 0) return {};
  const Row& kernel = measured.rows.back();
  const double bare = std::max(kernel.middle() - *kernel.call_ns, 0.0);
  return {kernel.middle() / row.middle(), bare / row.middle()};
}

void print_json(const Bench& options, const Subject& subject, const Measured& measured, std::size_t frames) {
  Json rows = Json::array();
  for (const Row& row : measured.rows) {
    const auto [faster, faster_bare] = ratios(measured, row);
    rows.push_back({{"subject", options.subject},
                    {"program", subject.program},
                    {"engine", row.engine},
                    {"ns", number(row.middle())},
                    {"ns_min", number(std::ranges::min(row.ns))},
                    {"ns_max", number(std::ranges::max(row.ns))},
                    {"rounds", row.ns.size()},
                    {"frames", frames},
                    {"insns", number(row.insns)},
                    {"call_ns", number(row.call_ns)},
                    {"kernel_ratio", number(faster)},
                    {"kernel_ratio_without_call", number(faster_bare)},
                    {"changes_frames", measured.changes_frames}});
  }
  fmt::print("{}\n", rows.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_text(const Bench& options, const Subject& subject, const Measured& measured, std::size_t frames) {
  fmt::print("{}: {}, {} frame{}, median of {} interleaved rounds\n\n", options.subject, subject.program, frames,
             frames == 1 ? "" : "s", measured.rows.front().ns.size());
  fmt::print("{:<8}{:>10}{:>10}{:>10}{:>12}", "ENGINE", "NS/FRAME", "LEAST", "MOST", "INSNS/FRAME");
  fmt::print("{}\n", measured.with_kernel ? "   KERNEL TAKES   WITHOUT CALL" : "");
  for (const Row& row : measured.rows) {
    fmt::print("{:<8}{:>10.1f}{:>10.1f}{:>10.1f}{:>12}", row.engine, row.middle(), std::ranges::min(row.ns),
               std::ranges::max(row.ns), row.insns ? fmt::format("{:.1f}", *row.insns) : "-");
    const auto [faster, faster_bare] = ratios(measured, row);
    if (faster) fmt::print("{:>14.2f}x{:>14.2f}x", *faster, *faster_bare);
    fmt::print("\n");
  }
  if (!measured.with_kernel) return;
  const Row& kernel = measured.rows.back();
  if (*kernel.call_ns > 0) {
    fmt::print("\nOf the kernel's time {:.1f} ns are the call of the program.\n", *kernel.call_ns);
  } else {
    fmt::print("\nThe kernel runs it alone: its time is that of the test run less an empty one's.\n");
  }
}

}  // namespace

int bench(const Bench& options) {
  std::vector<pipeline::Engine> engines;
  for (const std::string& name :
       options.engines.empty() ? std::vector<std::string>{"interp", "jit"} : options.engines) {
    const auto engine = pipeline::engine_of(name);
    if (!engine) return fail(engine.error());
    engines.push_back(*engine);
  }
  if (!options.against.empty() && options.against != "kernel") {
    return fail(
        {ErrorCode::kUsage, fmt::format("cannot measure against '{}', expected kernel", printable(options.against))});
  }
  if (options.rounds == 0 || options.rounds > kMostRounds) {
    return fail({ErrorCode::kUsage, fmt::format("{} rounds, expected 1..{}", options.rounds, kMostRounds)});
  }
  const auto object = is_object(options.subject);
  if (!object) return fail(object.error());
  if (!*object && (!options.program.empty() || !options.maps.empty() || !options.type.empty())) {
    return fail({ErrorCode::kUsage, "--program, --type and --maps are for objects; a pipeline file says it itself"});
  }
  if (*object && (!options.port.empty() || !options.set.empty())) {
    return fail({ErrorCode::kUsage, "--port and --set are for pipeline files"});
  }
  const auto frames = read_frames(options.pcap);
  if (!frames) return fail(frames.error());
  const Made made = *object ? of_object(options, engines) : of_config(options, engines);
  if (const Error* error = std::get_if<Error>(&made)) return fail(*error);
  if (const int* exit = std::get_if<int>(&made)) return *exit;
  const auto& subject = std::get<Subject>(made);

  std::unique_ptr<Peer> peer;
  if (!options.against.empty()) {
    if (subject.has_links) {
      return fail(
          {ErrorCode::kUsage, "--against kernel is for one program and those it tail-calls, not for a `chain:`"});
    }
    if (for_kernel(*frames).empty()) return fail({ErrorCode::kUsage, "no frame that the kernel runs: 14..3520 bytes"});
    auto kernel = kernel_peer(subject.engines.front().runner->program());
    if (!kernel) return fail(kernel.error());
    peer = std::move(*kernel);
  }
  const auto measured = measure(subject, *frames, peer.get(), options.rounds);
  if (!measured) return fail(measured.error());
  if (peer != nullptr && measured->changes_frames && !options.common.quiet) {
    fmt::print(stderr,
               "sluice: the program changes its frames, which the kernel does not restore between runs: compare "
               "with care\n");
  }
  if (options.common.json) {
    print_json(options, subject, *measured, frames->size());
  } else {
    print_text(options, subject, *measured, frames->size());
  }
  return kOk;
}

}  // namespace sluice::cli
