#include "dataplane/cli/run_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/counters.h"

namespace sluice::cli {
namespace {

using json = nlohmann::ordered_json;

// What devices counted themselves, where they counted anything.
std::string devices_table(const RunPrint& run) {
  std::vector<std::vector<std::string>> rows = {{"DEVICE", "MISSED", "NO-MBUF", "RX ERRORS", "TX ERRORS"}};
  for (std::size_t i = 0; i < run.report.ports.size(); ++i) {
    const io::PortReport& port = run.report.ports[i];
    const io::DeviceCounters& c = port.device;
    if (c.missed + c.no_buffer + c.rx_errors + c.tx_errors == 0 && !port.down) continue;
    rows.push_back({run.pipeline.ports()[i].name + (port.down ? " (gone)" : ""), fmt::format("{}", c.missed),
                    fmt::format("{}", c.no_buffer), fmt::format("{}", c.rx_errors), fmt::format("{}", c.tx_errors)});
  }
  return rows.size() == 1 ? std::string() : "\n" + table(rows);
}

double rate(std::uint64_t frames, double seconds) { return seconds > 0 ? static_cast<double>(frames) / seconds : 0; }

}  // namespace

std::string run_text(const RunPrint& run) {
  const pipeline::Stats& stats = run.report.stats;
  std::string text = ports_table(run.pipeline, stats) + stages_tables(run.pipeline, stats) +
                     drops_table(run.pipeline, stats) + devices_table(run) + rings_table(run.pipeline, run.rings) +
                     sum_line(stats, "received");
  return text + fmt::format("{:.1f} s ({}), {:.0f} frames/s\n", run.seconds, run.ended, rate(stats.rx(), run.seconds));
}

std::string run_json(const RunPrint& run, const Run& options) {
  const pipeline::Stats& stats = run.report.stats;
  json ports = json::array();
  for (std::size_t i = 0; i < stats.ports.size(); ++i) {
    const pipeline::PortCounters& port = stats.ports[i];
    const io::PortReport& live = run.report.ports[i];
    ports.push_back({{"name", run.pipeline.ports()[i].name},
                     {"ifindex", run.pipeline.ports()[i].ifindex},
                     {"driver", live.driver},
                     {"down", live.down},
                     {"rx_frames", port.rx_frames},
                     {"rx_bytes", port.rx_bytes},
                     {"tx_frames", port.tx_frames},
                     {"tx_bytes", port.tx_bytes},
                     {"rx_missed", live.device.missed},
                     {"rx_no_mbuf", live.device.no_buffer},
                     {"rx_errors", live.device.rx_errors},
                     {"tx_errors", live.device.tx_errors}});
  }
  const json out = {{"version", 1},
                    {"config", options.config},
                    {"seconds", run.seconds},
                    {"ended", run.ended},
                    {"frames", stats.rx()},
                    {"clones", stats.clones},
                    {"sent", stats.tx()},
                    {"dropped", stats.dropped()},
                    {"balanced", !pipeline::imbalance(stats).has_value()},
                    {"frames_per_second", rate(stats.rx(), run.seconds)},
                    {"ports", ports},
                    {"stages", stages_json(run.pipeline, stats.ingress)},
                    {"egress_stages", stages_json(run.pipeline, stats.egress)},
                    {"drops", drops_json(stats)},
                    {"rings", rings_json(run.pipeline, run.rings)}};
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::cli
