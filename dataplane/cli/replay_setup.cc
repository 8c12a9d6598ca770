#include "dataplane/cli/replay_setup.h"

#include <cstdio>

#include <fmt/format.h>

#include "base/diagnostics.h"
#include "dataplane/cli/common.h"

namespace sluice::cli {
namespace {

Error usage(std::string message) { return {ErrorCode::kUsage, std::move(message)}; }

void say(const std::string& text) { std::fputs(text.c_str(), stderr); }

Result<std::vector<pipeline::Engine>> engines_of(const std::vector<std::string>& names) {
  std::vector<pipeline::Engine> engines;
  for (const std::string& name : names) {
    auto engine = pipeline::engine_of(name);
    if (!engine) return std::move(engine).error();
    engines.push_back(*engine);
  }
  if (engines.empty()) engines.push_back(pipeline::Engine::kJit);
  return engines;
}

Result<replay::ReplayOptions> options_of(const Replay& options) {
  replay::ReplayOptions out{.seed = options.seed, .output = {}};
  if (options.clock != "pcap" && options.clock != "fixed") {
    return usage(fmt::format("clock '{}': expected pcap or fixed", options.clock));
  }
  out.fixed_clock = options.clock == "fixed";
  if (options.frame_model != "native" && options.frame_model != "linux") {
    return usage(fmt::format("frame model '{}': expected native or linux", options.frame_model));
  }
  if (options.frame_model == "linux") out.model = pipeline::FrameModel::kLinux;
  if (!options.output.empty()) {
    auto pattern = replay::OutputPattern::parse(options.output);
    if (!pattern) return std::move(pattern).error();
    out.output = std::move(*pattern);
  }
  return out;
}

Result<std::vector<replay::Input>> inputs_of(const Replay& options, const config::Config& config) {
  std::vector<replay::Input> inputs;
  for (const auto& [port, path] : options.inputs) {
    std::vector<std::string_view> names;
    std::optional<std::uint16_t> index;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
      names.push_back(config.ports[i].name.value);
      if (names.back() == port) index = static_cast<std::uint16_t>(i);
    }
    if (!index) {
      const std::string_view near = nearest(port, names);
      return usage(fmt::format("input {}={}: {} has no port '{}'{}", port, path, config.path, printable(port),
                               near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)));
    }
    inputs.push_back({.port = *index, .path = path});
  }
  if (inputs.empty()) return usage("nothing to replay: give at least one -i PORT=CAPTURE");
  return inputs;
}

}  // namespace

int set_up(const Replay& options, ReplaySetup& setup) {
  auto engines = engines_of(options.engines);
  if (!engines) return fail(engines.error());
  setup.engines = std::move(*engines);
  auto settings = options_of(options);
  if (!settings) return fail(settings.error());
  setup.settings = std::move(*settings);

  Diagnostics diagnostics;
  setup.config = config::read_config(options.config, {.set = options.set}, setup.sources, diagnostics);
  if (!setup.config || !options.common.quiet) say(diagnostics.render());
  if (!setup.config) return kConfig;
  auto inputs = inputs_of(options, *setup.config);
  if (!inputs) return fail(inputs.error());
  setup.inputs = std::move(*inputs);
  setup.loaded = load_pipelines(*setup.config, setup.sources, setup.engines, options.common.quiet);
  return setup.loaded.exit;
}

int verdict_of(const replay::ReplayReport& report) {
  int exit = kOk;
  for (const replay::InputReport& input : report.inputs) {
    if (!input.damage) continue;
    say(fmt::format("sluice: {}: {}; the {} frames before it were run\n", input.input.path, *input.damage,
                    input.frames));
    exit = kEnvironment;
  }
  for (const replay::Lane& lane : report.lanes) {
    if (const auto broken = pipeline::imbalance(lane.stats)) {
      say(fmt::format("sluice: internal error: the counters do not add up: {}\n", *broken));
      return kInternal;
    }
  }
  if (report.difference) {
    say(fmt::format("sluice: the engines differ: {}\n", *report.difference));
    exit = kTestFailed;
  }
  return exit;
}

}  // namespace sluice::cli
