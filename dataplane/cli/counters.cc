#include "dataplane/cli/counters.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::cli {

using json = nlohmann::ordered_json;
using pipeline::DropReason;
using pipeline::kVerdictColumns;
using pipeline::StageCounters;
using pipeline::Stats;

namespace {

std::vector<std::string> stage_row(std::string name, const StageCounters& stage) {
  std::vector<std::string> row = {std::move(name), fmt::format("{}", stage.runs)};
  for (const std::uint64_t frames : stage.verdicts) row.push_back(fmt::format("{}", frames));
  return row;
}

std::vector<std::string> stage_head(std::string title) {
  std::vector<std::string> row = {std::move(title), "RUNS"};
  for (unsigned v = 0; v < kVerdictColumns; ++v) {
    std::string name(pipeline::verdict_name(v));
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
    row.push_back(std::move(name));
  }
  return row;
}

// Stages that ran, and a line of sums: what the programs said in the end, once for every frame they saw.
std::string stages_table(const pipeline::Pipeline& pipeline, const std::vector<StageCounters>& stages,
                         std::string title) {
  std::vector<std::vector<std::string>> rows = {stage_head(std::move(title))};
  StageCounters sum;
  std::uint64_t judged = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].runs == 0) continue;
    rows.push_back(stage_row(pipeline.stage(i).name, stages[i]));
    for (unsigned v = 0; v < kVerdictColumns; ++v) {
      sum.verdicts[v] += stages[i].verdicts[v];
      judged += stages[i].verdicts[v];
    }
  }
  if (rows.size() == 1) return {};
  std::vector<std::string> total = stage_row(fmt::format("= {} frames", judged), sum);
  total[1].clear();
  rows.push_back(std::move(total));
  return "\n" + table(rows);
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string ports_table(const pipeline::Pipeline& pipeline, const Stats& stats) {
  std::vector<std::vector<std::string>> rows = {{"PORT", "RX", "RX BYTES", "TX", "TX BYTES"}};
  for (std::size_t i = 0; i < stats.ports.size(); ++i) {
    const pipeline::PortCounters& port = stats.ports[i];
    rows.push_back({pipeline.ports()[i].name, fmt::format("{}", port.rx_frames), fmt::format("{}", port.rx_bytes),
                    fmt::format("{}", port.tx_frames), fmt::format("{}", port.tx_bytes)});
  }
  return table(rows);
}

std::string stages_tables(const pipeline::Pipeline& pipeline, const Stats& stats) {
  return stages_table(pipeline, stats.ingress, "STAGE") + stages_table(pipeline, stats.egress, "ON THE WAY OUT");
}

std::string drops_table(const pipeline::Pipeline& pipeline, const Stats& stats) {
  std::vector<std::vector<std::string>> rows = {{"DROPPED", "FRAMES"}};
  const auto drop = static_cast<unsigned>(vm::Verdict::kDrop);
  for (std::size_t i = 0; i < stats.ingress.size(); ++i) {
    if (stats.ingress[i].verdicts[drop] == 0) continue;
    rows.push_back(
        {fmt::format("program ({})", pipeline.stage(i).name), fmt::format("{}", stats.ingress[i].verdicts[drop])});
  }
  for (const pipeline::DropReasonRow& row : pipeline::drop_reasons()) {
    if (row.reason == DropReason::kProgram || stats.dropped(row.reason) == 0) continue;
    rows.push_back({std::string(row.name), fmt::format("{}", stats.dropped(row.reason))});
  }
  return rows.size() == 1 ? std::string() : "\n" + table(rows);
}

std::string rings_table(const pipeline::Pipeline& pipeline, const std::vector<pipeline::RingCounters>& rings) {
  std::vector<std::vector<std::string>> rows = {{"RECORDS TO", "RECORDS", "BYTES", "LOST"}};
  for (const pipeline::RingCounters& ring : rings) {
    rows.push_back({pipeline.maps()[ring.map].name, fmt::format("{}", ring.records), fmt::format("{}", ring.bytes),
                    fmt::format("{}", ring.lost)});
  }
  return rows.size() == 1 ? std::string() : "\n" + table(rows);
}

std::string sum_line(const Stats& stats, std::string_view verb) {
  return fmt::format("\n{} frames {} + {} cloned = {} sent + {} dropped\n", stats.rx(), verb, stats.clones, stats.tx(),
                     stats.dropped());
}

json stages_json(const pipeline::Pipeline& pipeline, const std::vector<StageCounters>& stages) {
  json list = json::array();
  for (std::size_t i = 0; i < stages.size(); ++i) {
    json verdicts;
    for (unsigned v = 0; v < kVerdictColumns; ++v) {
      verdicts[std::string(pipeline::verdict_name(v))] = stages[i].verdicts[v];
    }
    list.push_back({{"name", pipeline.stage(i).name}, {"runs", stages[i].runs}, {"verdicts", verdicts}});
  }
  return list;
}

json rings_json(const pipeline::Pipeline& pipeline, const std::vector<pipeline::RingCounters>& rings) {
  json list = json::array();
  for (const pipeline::RingCounters& ring : rings) {
    const pipeline::NamedMap& map = pipeline.maps()[ring.map];
    list.push_back({{"map", map.name},
                    {"type", vm::map_type_name(map.map->spec().type)},
                    {"records", ring.records},
                    {"bytes", ring.bytes},
                    {"lost", ring.lost}});
  }
  return list;
}

json drops_json(const Stats& stats) {
  json drops = json::object();
  for (const pipeline::DropReasonRow& row : pipeline::drop_reasons()) {
    drops[std::string(row.name)] = stats.dropped(row.reason);
  }
  return drops;
}

}  // namespace sluice::cli
