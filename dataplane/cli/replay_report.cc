#include "dataplane/cli/replay_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/counters.h"

namespace sluice::cli {
namespace {

using json = nlohmann::ordered_json;
using pipeline::Stats;

double rate(std::uint64_t frames, double seconds) { return seconds > 0 ? static_cast<double>(frames) / seconds : 0; }

json ports_json(const ReplayPrint& run, const Stats& stats) {
  json list = json::array();
  for (std::size_t i = 0; i < stats.ports.size(); ++i) {
    const pipeline::PortCounters& port = stats.ports[i];
    json row = {{"name", run.pipeline.ports()[i].name}, {"ifindex", run.pipeline.ports()[i].ifindex},
                {"rx_frames", port.rx_frames},          {"rx_bytes", port.rx_bytes},
                {"tx_frames", port.tx_frames},          {"tx_bytes", port.tx_bytes}};
    if (i < run.report.files.size()) row["file"] = run.report.files[i];
    list.push_back(std::move(row));
  }
  return list;
}

}  // namespace

std::string replay_text(const ReplayPrint& run) {
  const Stats& stats = run.report.lanes[0].stats;
  std::string text = ports_table(run.pipeline, stats) + stages_tables(run.pipeline, stats) +
                     drops_table(run.pipeline, stats) + rings_table(run.pipeline, run.report.lanes[0].rings) +
                     sum_line(stats, "read");
  for (std::size_t i = 0; i < run.engines.size(); ++i) {
    text += fmt::format("{}: {:.3f} s, {:.0f} frames/s\n", run.engines[i], run.report.lanes[i].seconds,
                        rate(run.report.frames, run.report.lanes[i].seconds));
  }
  if (run.engines.size() > 1 && !run.report.difference) text += "all engines agree\n";
  return text;
}

std::string replay_json(const ReplayPrint& run, const Replay& options) {
  const Stats& stats = run.report.lanes[0].stats;
  json inputs = json::array();
  for (const replay::InputReport& input : run.report.inputs) {
    inputs.push_back({{"port", run.pipeline.ports()[input.input.port].name},
                      {"file", input.input.path},
                      {"frames", input.frames},
                      {"damage", input.damage ? json(*input.damage) : json(nullptr)}});
  }
  json engines = json::array();
  for (std::size_t i = 0; i < run.engines.size(); ++i) {
    engines.push_back({{"engine", run.engines[i]},
                       {"seconds", run.report.lanes[i].seconds},
                       {"frames_per_second", rate(run.report.frames, run.report.lanes[i].seconds)}});
  }
  const auto unbalanced = pipeline::imbalance(stats);
  const json out = {{"version", 1},
                    {"config", options.config},
                    {"frames", run.report.frames},
                    {"clones", stats.clones},
                    {"sent", stats.tx()},
                    {"dropped", stats.dropped()},
                    {"balanced", !unbalanced.has_value()},
                    {"inputs", inputs},
                    {"ports", ports_json(run, stats)},
                    {"stages", stages_json(run.pipeline, stats.ingress)},
                    {"egress_stages", stages_json(run.pipeline, stats.egress)},
                    {"drops", drops_json(stats)},
                    {"rings", rings_json(run.pipeline, run.report.lanes[0].rings)},
                    {"engines", engines},
                    {"difference", run.report.difference ? json(*run.report.difference) : json(nullptr)}};
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::cli
