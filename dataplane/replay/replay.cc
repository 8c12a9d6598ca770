#include "dataplane/replay/replay.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "dataplane/replay/lane.h"
#include "dataplane/replay/merge.h"

namespace sluice::replay {
namespace {

using Seconds = std::chrono::duration<double>;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kFixedStart = 60'000'000'000;  // ns
constexpr std::uint64_t kFixedStep = 1'000;            // ns a frame

class Run {
 public:
  Run(const std::vector<std::unique_ptr<pipeline::Pipeline>>& pipelines, const std::vector<Input>& inputs,
      const ReplayOptions& options)
      : pipelines_(pipelines), inputs_(inputs), options_(options) {
    clocked_ = std::ranges::any_of(pipelines, [](const auto& pipeline) { return pipeline->reads_clock(); });
  }

  Result<void> open(ReplayReport& report);
  void frames(ReplayReport& report);
  Result<void> close(ReplayReport& report);

 private:
  void flush(ReplayReport& report);
  void compare(ReplayReport& report);
  void take_records(ReplayReport& report);
  [[nodiscard]] std::string_view engine(std::size_t lane) const;

  const std::vector<std::unique_ptr<pipeline::Pipeline>>& pipelines_;
  const std::vector<Input>& inputs_;
  const ReplayOptions& options_;
  bool clocked_ = false;
  std::optional<Merge> merge_;
  std::vector<std::unique_ptr<Writer>> writers_;
  std::vector<std::unique_ptr<LaneRunner>> lanes_;
  std::vector<std::unique_ptr<pipeline::RingReader>> rings_;  // of each lane
  std::array<pipeline::RingBatch, 2> batches_;                // the first lane's and another's
  std::uint16_t port_ = 0;                                    // of the burst being gathered
  std::uint64_t clock_ns_ = 0;                                // never runs backwards
};

Result<void> Run::open(ReplayReport& report) {
  std::vector<std::unique_ptr<Reader>> readers;
  bool nanoseconds = false;
  for (const Input& input : inputs_) {
    auto reader = open_capture(input.path);
    if (!reader) return std::move(reader).error();
    nanoseconds = nanoseconds || (*reader)->nanoseconds();
    readers.push_back(std::move(*reader));
    report.inputs.push_back({.input = input, .damage = {}});
  }
  merge_.emplace(std::move(readers));
  if (options_.output) {
    for (const pipeline::Port& port : pipelines_[0]->ports()) {
      report.files.push_back(options_.output->path(port.name));
      auto writer = create_writer(report.files.back(), options_.output->format, nanoseconds, port.name);
      if (!writer) return std::move(writer).error();
      writers_.push_back(std::move(*writer));
    }
  }
  for (std::size_t i = 0; i < pipelines_.size(); ++i) {
    const bool writes = i == 0 && options_.output.has_value();
    lanes_.push_back(std::make_unique<LaneRunner>(
        *pipelines_[i], LaneRunner::Setup{.model = options_.model,
                                          .seed = options_.seed,
                                          .compare = pipelines_.size() > 1,
                                          .comments = writes && options_.output->format == Format::kPcapng,
                                          .writers = writes ? &writers_ : nullptr}));
    report.lanes.emplace_back();
    const bool looked_at = options_.records != nullptr || pipelines_.size() > 1;
    auto rings = pipeline::RingReader::open(*pipelines_[i], {.ordered = looked_at});
    if (!rings) return std::move(rings).error();
    rings_.push_back(std::move(*rings));
  }
  // A burst's records have the burst's time.
  clocked_ = clocked_ || !rings_[0]->empty();
  return {};
}

std::string_view Run::engine(std::size_t lane) const {
  return pipelines_[lane]->stages() == 0 ? std::string_view("?")
                                         : engine_name(pipelines_[lane]->stage(0).runner.engine());
}

void Run::compare(ReplayReport& report) {
  for (std::size_t i = 1; i < lanes_.size(); ++i) {
    if (!report.difference) {
      report.difference = first_difference(*lanes_[0], engine(0), *lanes_[i], engine(i));
    }
    lanes_[i]->log().clear();
  }
  lanes_[0]->log().clear();
}

void Run::flush(ReplayReport& report) {
  if (lanes_[0]->waiting() == 0) return;
  if (lanes_.size() == 1) {
    lanes_[0]->run(port_, clock_ns_);
    return take_records(report);
  }
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const auto start = SteadyClock::now();
    lanes_[i]->run(port_, clock_ns_);
    report.lanes[i].seconds += Seconds(SteadyClock::now() - start).count();
  }
  compare(report);
  take_records(report);
}

void Run::take_records(ReplayReport& report) {
  if (rings_[0]->empty()) return;
  if (lanes_.size() == 1 && options_.records == nullptr) return rings_[0]->drain();
  auto& [first, other] = batches_;
  rings_[0]->take(first);
  for (std::size_t i = 1; i < lanes_.size(); ++i) {
    rings_[i]->take(other);
    const auto at = first.first_difference(other);
    if (!at || report.difference) continue;
    const std::string_view map = pipelines_[0]->maps()[(*at < first.size() ? first : other).record(*at).map].name;
    report.difference = fmt::format("record {} of the burst up to frame {}: {} and {} write different ones (map {})",
                                    *at + 1, report.frames, engine(0), engine(i), map);
  }
  for (std::size_t i = 0; options_.records != nullptr && i < first.size(); ++i) {
    options_.records->record(first.record(i), port_, clock_ns_);
  }
}

void Run::frames(ReplayReport& report) {
  const auto start = SteadyClock::now();
  Record record;
  std::size_t source = 0;
  while (merge_->next(record, source)) {
    const std::uint16_t port = inputs_[source].port;
    const std::uint64_t now =
        options_.fixed_clock ? kFixedStart + report.frames * kFixedStep : std::max(clock_ns_, record.time_ns);
    // One burst has one port, and one time when somebody looks at the clock.
    if (port != port_ || lanes_[0]->waiting() == pipeline::kBurst || (clocked_ && now != clock_ns_)) flush(report);
    port_ = port;
    clock_ns_ = now;
    report.frames += 1;
    for (const auto& lane : lanes_) lane->take(port, record);
  }
  flush(report);
  report.seconds = Seconds(SteadyClock::now() - start).count();
}

Result<void> Run::close(ReplayReport& report) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    report.lanes[i].stats = lanes_[i]->stats();
    report.lanes[i].rings = rings_[i]->counters();
  }
  if (lanes_.size() == 1) report.lanes[0].seconds = report.seconds;
  for (std::size_t i = 0; i < report.inputs.size(); ++i) {
    report.inputs[i].frames = merge_->delivered(i);
    report.inputs[i].damage = merge_->reader(i).damage();
  }
  for (const auto& lane : report.lanes) {
    if (!report.difference && !(lane.stats == report.lanes[0].stats)) report.difference = "the counters differ";
    if (!report.difference && lane.rings != report.lanes[0].rings) report.difference = "records written or lost differ";
  }
  for (const auto& writer : writers_) {
    if (auto failed = writer->finish()) return Error{ErrorCode::kEnvironment, std::move(*failed)};
  }
  return {};
}

}  // namespace

Result<ReplayReport> replay(const std::vector<std::unique_ptr<pipeline::Pipeline>>& pipelines,
                            const std::vector<Input>& inputs, const ReplayOptions& options) {
  SLUICE_CHECK(!pipelines.empty());
  ReplayReport report;
  Run run(pipelines, inputs, options);
  if (auto opened = run.open(report); !opened) return std::move(opened).error();
  run.frames(report);
  if (auto closed = run.close(report); !closed) return std::move(closed).error();
  return report;
}

}  // namespace sluice::replay
