#pragma once
// What happened to frames, counted. One Stats a worker, touched by that worker's thread only; `operator+=` adds copies
// of several workers. Sizes are fixed when it is made: counting allocates nothing.
//
// The law every table printed from here obeys: each frame leaves exactly once, so
//     rx + clones = tx + drops      and      rx = verdicts of ingress stages + frames no program saw.
//
// Of several workers, their sum obeys it: a frame that a CPUMAP moves is received at one and leaves at another.
//
// A live port can still fail to send what was counted as sent: `take_back` undoes that count.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/xdp.h"

namespace sluice::pipeline {

// Why a frame did not leave by a port. A new reason is a member here and a row in drop_reasons().
enum class DropReason : std::uint8_t {
  kProgram,
  kAborted,
  kInvalidVerdict,
  kPassDrop,
  kPassNoPort,
  kRedirectNoPort,
  kRedirectTooLong,
  kDevmapDrop,
  kCpumapDrop,
  kCpumapFull,
  kCpumapNoWorker,
  kEgressDrop,
  kNoPipeline,
  kTooShort,
  kTooLong,
  kRxUnfit,
  kRxNoBuffer,
  kDispatchFull,
  kNoBuffer,
  kTxTooLong,
  kTxFull,
  kPortDown,
};
constexpr std::size_t kDropReasons = 22;

struct DropReasonRow {
  DropReason reason;
  std::string_view name;  // as printed and exported
  std::string_view doc;   // one line for people
  bool unseen = false;    // before any program saw the frame
};
std::span<const DropReasonRow, kDropReasons> drop_reasons() noexcept;
std::string_view name(DropReason reason) noexcept;

// A verdict as counted: the five of XDP, and every other number.
constexpr unsigned kInvalidVerdict = vm::kVerdicts;
constexpr unsigned kVerdictColumns = vm::kVerdicts + 1;
// "aborted", "drop", "pass", "tx", "redirect", "invalid".
std::string_view verdict_name(unsigned column) noexcept;

struct PortCounters {
  std::uint64_t rx_frames = 0, rx_bytes = 0;
  std::uint64_t tx_frames = 0, tx_bytes = 0;
  bool operator==(const PortCounters&) const = default;
};

struct StageCounters {
  std::uint64_t runs = 0;                                    // frames that entered it
  std::array<std::uint64_t, kVerdictColumns> verdicts = {};  // frames whose last word was spoken here
  bool operator==(const StageCounters&) const = default;
};

struct alignas(64) Stats {
  Stats() = default;
  Stats(std::size_t ports, std::size_t stages) : ports(ports), ingress(stages), egress(stages) {}

  std::vector<PortCounters> ports;
  std::vector<StageCounters> ingress;  // by stage: as part of an ingress pipeline
  std::vector<StageCounters> egress;   // by stage: as devmap program or in an egress pipeline
  std::array<std::uint64_t, kDropReasons> drops = {};
  std::uint64_t clones = 0;  // copies made by broadcasts

  [[nodiscard]] std::uint64_t dropped(DropReason reason) const noexcept {
    return drops[static_cast<std::size_t>(reason)];
  }
  void count_drop(DropReason reason, std::uint64_t frames = 1) noexcept {
    drops[static_cast<std::size_t>(reason)] += frames;
  }
  // Frames counted as sent by `port` that were not.
  void take_back(std::uint16_t port, std::uint64_t frames, std::uint64_t bytes) noexcept {
    ports[port].tx_frames -= frames;
    ports[port].tx_bytes -= bytes;
  }
  [[nodiscard]] std::uint64_t rx() const noexcept;
  [[nodiscard]] std::uint64_t tx() const noexcept;
  [[nodiscard]] std::uint64_t dropped() const noexcept;
  bool operator==(const Stats&) const = default;
  Stats& operator+=(const Stats& other);
};

// What breaks the law above, in words; empty when it holds.
std::optional<std::string> imbalance(const Stats& stats);

}  // namespace sluice::pipeline
