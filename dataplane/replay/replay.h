#pragma once
// Captures through a pipeline, frame by frame in order of time, on one worker: the same input gives the same output bit
// for bit. Several engines may run side by side on the same frames; each has its own pipeline (own maps), and the first
// frame they treat differently is reported. Time is virtual: bpf_ktime_get_ns is the frame's time stamp. One thread.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/rings.h"
#include "dataplane/pipeline/stats.h"
#include "dataplane/replay/writer.h"

namespace sluice::replay {

struct Input {
  std::uint16_t port = 0;  // index into Pipeline::ports()
  std::string path;
};

// Who wants to see the records that programs write to perf arrays and ring buffers.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // In the order they were begun. `record.map` is an index into Pipeline::maps(). `port` is the one that the frame came
  // in by, `time_ns` its time: what bpf_ktime_get_ns said to the program. Called between bursts.
  virtual void record(const pipeline::RingRecord& record, std::uint16_t port, std::uint64_t time_ns) = 0;
};

struct ReplayOptions {
  pipeline::FrameModel model = pipeline::FrameModel::kNative;
  bool fixed_clock = false;  // time starts at 60 s and a frame takes 1 µs, instead of the capture's time stamps
  std::uint64_t seed = 1;    // of bpf_get_prandom_u32 and the keys of SYN cookies
  std::optional<OutputPattern> output;
  RecordSink* records = nullptr;  // gets those of the first pipeline; null = they are counted only
};

// One engine's view of the run.
struct Lane {
  pipeline::Stats stats;
  std::vector<pipeline::RingCounters> rings;  // of the maps whose records were read
  double seconds = 0;                         // inside the pipeline; the whole run when there is but one lane
};

struct InputReport {
  Input input;
  std::uint64_t frames = 0;
  std::optional<std::string> damage;  // what ended the file early; its complete frames were run
};

struct ReplayReport {
  std::vector<Lane> lanes;  // as the pipelines given
  std::vector<InputReport> inputs;
  std::vector<std::string> files;         // written, by port
  std::optional<std::string> difference;  // the first between lanes, in words
  std::uint64_t frames = 0;
  double seconds = 0;
};

// `pipelines` are the same configuration for each engine; names for messages are their stages' engines. Errors
// (kEnvironment): an input that cannot be opened, an output that cannot be written.
Result<ReplayReport> replay(const std::vector<std::unique_ptr<pipeline::Pipeline>>& pipelines,
                            const std::vector<Input>& inputs, const ReplayOptions& options);

}  // namespace sluice::replay
