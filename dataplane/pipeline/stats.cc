#include "dataplane/pipeline/stats.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"

namespace sluice::pipeline {
namespace {

constexpr std::array<DropReasonRow, kDropReasons> kRows = {{
    {DropReason::kProgram, "program", "a program said XDP_DROP"},
    {DropReason::kAborted, "aborted", "a program said XDP_ABORTED"},
    {DropReason::kInvalidVerdict, "invalid_verdict", "a program returned a number that is no verdict"},
    {DropReason::kPassDrop, "pass_drop", "XDP_PASS, and the pipeline says `on_pass: drop`"},
    {DropReason::kPassNoPort, "pass_no_port", "XDP_PASS of a frame that came from the on_pass port itself"},
    {DropReason::kRedirectNoPort, "redirect_no_port", "XDP_REDIRECT that named no port of this switch"},
    {DropReason::kRedirectTooLong, "redirect_too_long", "XDP_REDIRECT of a frame longer than the port's MTU allows"},
    {DropReason::kDevmapDrop, "devmap_drop", "the program of a devmap entry did not say XDP_PASS"},
    {DropReason::kCpumapDrop, "cpumap_drop", "the program of a cpumap entry said neither XDP_PASS nor XDP_REDIRECT"},
    {DropReason::kCpumapFull, "cpumap_full", "as many frames as the cpumap entry allows wait for its worker"},
    {DropReason::kCpumapNoWorker, "cpumap_no_worker", "a cpumap entry that was not there when the workers started"},
    {DropReason::kEgressDrop, "egress_drop", "the egress pipeline of a port did not say XDP_PASS"},
    {DropReason::kNoPipeline, "no_pipeline", "the port it came in by has no ingress pipeline", true},
    {DropReason::kTooShort, "too_short", "shorter than the frame model takes", true},
    {DropReason::kTooLong, "too_long", "longer than the frame model or its programs take", true},
    {DropReason::kRxUnfit, "rx_unfit", "received in pieces that do not fit into one buffer", true},
    {DropReason::kRxNoBuffer, "rx_no_buffer", "no free buffer to copy it into, away from its sender", true},
    {DropReason::kDispatchFull, "dispatch_full", "the worker its flow belongs to does not keep up", true},
    {DropReason::kNoBuffer, "no_buffer", "no free buffer for the copy that a broadcast sends"},
    {DropReason::kTxTooLong, "tx_too_long", "longer than the MTU of the port it should leave by allows"},
    {DropReason::kTxFull, "tx_full", "the transmit queue of the port is full"},
    {DropReason::kPortDown, "port_down", "the device behind the port is gone"},
}};

constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].reason) != i) return false;
  }
  return true;
}
static_assert(rows_in_order());

constexpr std::array<std::string_view, kVerdictColumns> kVerdictNames = {"aborted", "drop",     "pass",
                                                                         "tx",      "redirect", "invalid"};

void add(std::vector<StageCounters>& to, const std::vector<StageCounters>& from) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i].runs += from[i].runs;
    for (unsigned v = 0; v < kVerdictColumns; ++v) to[i].verdicts[v] += from[i].verdicts[v];
  }
}

}  // namespace

std::span<const DropReasonRow, kDropReasons> drop_reasons() noexcept { return kRows; }

std::string_view name(DropReason reason) noexcept { return kRows[static_cast<std::size_t>(reason)].name; }

std::string_view verdict_name(unsigned column) noexcept {
  return column < kVerdictColumns ? kVerdictNames[column] : std::string_view();
}

std::uint64_t Stats::rx() const noexcept {
  std::uint64_t sum = 0;
  for (const PortCounters& port : ports) sum += port.rx_frames;
  return sum;
}

std::uint64_t Stats::tx() const noexcept {
  std::uint64_t sum = 0;
  for (const PortCounters& port : ports) sum += port.tx_frames;
  return sum;
}

std::uint64_t Stats::dropped() const noexcept {
  std::uint64_t sum = 0;
  for (const std::uint64_t frames : drops) sum += frames;
  return sum;
}

Stats& Stats::operator+=(const Stats& other) {
  SLUICE_CHECK(ports.size() == other.ports.size() && ingress.size() == other.ingress.size() &&
               egress.size() == other.egress.size());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    ports[i].rx_frames += other.ports[i].rx_frames;
    ports[i].rx_bytes += other.ports[i].rx_bytes;
    ports[i].tx_frames += other.ports[i].tx_frames;
    ports[i].tx_bytes += other.ports[i].tx_bytes;
  }
  add(ingress, other.ingress);
  add(egress, other.egress);
  for (std::size_t i = 0; i < kDropReasons; ++i) drops[i] += other.drops[i];
  clones += other.clones;
  return *this;
}

std::optional<std::string> imbalance(const Stats& stats) {
  if (stats.rx() + stats.clones != stats.tx() + stats.dropped()) {
    return fmt::format("{} received + {} cloned, but {} sent + {} dropped", stats.rx(), stats.clones, stats.tx(),
                       stats.dropped());
  }
  std::uint64_t judged = 0;
  for (const StageCounters& stage : stats.ingress) {
    for (const std::uint64_t frames : stage.verdicts) judged += frames;
  }
  std::uint64_t unseen = 0;
  for (const DropReasonRow& row : kRows) unseen += row.unseen ? stats.dropped(row.reason) : 0;
  if (stats.rx() != judged + unseen) {
    return fmt::format("{} received, but {} verdicts and {} frames no program saw", stats.rx(), judged, unseen);
  }
  return std::nullopt;
}

}  // namespace sluice::pipeline
