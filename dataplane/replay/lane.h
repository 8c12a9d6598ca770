#pragma once
// One engine in a replay: its pipeline, buffers, counters and environment, and where its frames go. Used by replay.cc
// alone. All memory is had when it is made; running frames allocates only in the log of compared lanes. One thread.
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/pipeline/executor.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/replay/reader.h"
#include "dataplane/replay/writer.h"
#include "vm/syncookie.h"

namespace sluice::replay {

// What the sink must know of a frame beyond its bytes.
struct Origin {
  std::uint64_t time_ns = 0;
  std::uint64_t number = 0;   // in its file, from 1
  std::uint32_t missing = 0;  // bytes on the wire that the capture lacks
};

// Memory for the copy of one frame.
class FrameCopy {
 public:
  explicit FrameCopy(pipeline::FrameModel model);
  vm::XdpContext& copy(const vm::XdpContext& from) noexcept;

 private:
  std::vector<std::byte> linear_;
  std::vector<std::byte> frag_;
  vm::XdpContext context_;
};

// One thing that happened to a frame, for comparing lanes.
struct Event {
  std::uint64_t number = 0;
  std::uint32_t verdict = 0;
  std::uint32_t place = 0;  // port index when sent, DropReason when dropped
  bool sent = false;
  std::size_t bytes_at = 0, bytes_size = 0;  // in EventLog::bytes; of sent frames
};
struct EventLog {
  std::vector<Event> events;
  std::vector<std::byte> bytes;
  void clear() noexcept {
    events.clear();
    bytes.clear();
  }
};

class LaneRunner : public pipeline::FrameSink {
 public:
  struct Setup {
    pipeline::FrameModel model = pipeline::FrameModel::kNative;
    std::uint64_t seed = 1;
    bool compare = false;                                     // keep an EventLog
    bool comments = false;                                    // writers take stage paths
    std::vector<std::unique_ptr<Writer>>* writers = nullptr;  // one a port; null = count only
  };
  LaneRunner(const pipeline::Pipeline& pipeline, const Setup& setup);
  LaneRunner(const LaneRunner&) = delete;
  LaneRunner& operator=(const LaneRunner&) = delete;

  // Takes a frame into the burst that runs next. Returns at once; a frame no buffer can hold is counted as dropped.
  void take(std::uint16_t port, const Record& record) noexcept;
  // Runs what was taken since the last time, all of one port.
  void run(std::uint16_t port, std::uint64_t clock_ns) noexcept;

  [[nodiscard]] unsigned waiting() const noexcept { return waiting_; }
  [[nodiscard]] const pipeline::Stats& stats() const noexcept { return stats_; }
  [[nodiscard]] const pipeline::Pipeline& pipeline() const noexcept { return pipeline_; }
  EventLog& log() noexcept { return log_; }

  vm::XdpContext* clone(const vm::XdpContext& frame) noexcept override { return &copy_.copy(frame); }
  void send(const pipeline::Passage& passage, vm::XdpContext& frame, std::uint16_t port) noexcept override;
  void drop(const pipeline::Passage& passage, vm::XdpContext& frame, pipeline::DropReason reason) noexcept override;

 private:
  std::string_view comment(const pipeline::Passage& passage) noexcept;

  const pipeline::Pipeline& pipeline_;
  Setup setup_;
  pipeline::Stats stats_;
  vm::SynCookieKeys cookies_;  // of the seed
  vm::ExecEnv env_;
  pipeline::Executor executor_;
  std::vector<pipeline::FrameBuffer> buffers_;
  std::array<vm::XdpContext, pipeline::kBurst> contexts_;
  std::array<Origin, pipeline::kBurst> origins_;
  unsigned waiting_ = 0;
  FrameCopy copy_;
  EventLog log_;
  std::string comment_;  // reserved for the longest path
};

// Where two lanes first differ, in words; empty when they do not.
std::optional<std::string> first_difference(LaneRunner& a, std::string_view a_name, LaneRunner& b,
                                            std::string_view b_name);

}  // namespace sluice::replay
