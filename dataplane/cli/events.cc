// sluice events CONFIG -i PORT=CAPTURE... [MAP...] [-w FILE.pcapng]: replays captures and shows what programs write to
// perf arrays and ring buffers.
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/diagnostics.h"
#include "dataplane/cli/common.h"
#include "dataplane/cli/counters.h"
#include "dataplane/cli/record_text.h"
#include "dataplane/cli/replay_setup.h"
#include "dataplane/cli/verbs.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

// Which maps are shown, and how.
struct Shown {
  std::vector<RecordMap> maps;  // by index into Pipeline::maps()
  std::vector<bool> wanted;     // likewise
};

std::string names_of(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// Marks the maps called `name`.
Result<void> want(const pipeline::Pipeline& pipeline, std::string_view name, std::span<const std::string_view> rings,
                  Shown& shown) {
  const vm::Map* other = nullptr;
  bool found = false;
  for (std::size_t i = 0; i < pipeline.maps().size(); ++i) {
    const pipeline::NamedMap& map = pipeline.maps()[i];
    if (map.name != name) continue;
    if (!pipeline::is_ring(*map.map)) {
      other = map.map.get();
    } else if (!map.reader) {
      return Error{ErrorCode::kUsage,
                   fmt::format("map {} has no reader: the configuration says `reader: false`", name)};
    } else {
      shown.wanted[i] = found = true;
    }
  }
  if (found) return {};
  const std::string there = rings.empty() ? std::string("there is none") : names_of(rings);
  if (other != nullptr) {
    return Error{ErrorCode::kUsage,
                 fmt::format("map {} is of type {}: records go to perf_event_array and ringbuf maps ({})", name,
                             vm::map_type_name(other->spec().type), there)};
  }
  const std::string_view near = nearest(name, rings);
  return Error{ErrorCode::kUsage,
               fmt::format("there is no map '{}'{}; records go to: {}", printable(name),
                           near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near), there)};
}

Result<Shown> choose(const Events& options, const pipeline::Pipeline& pipeline) {
  Shown shown{.maps = {}, .wanted = std::vector<bool>(pipeline.maps().size())};
  std::vector<std::string_view> rings;
  for (std::size_t i = 0; i < pipeline.maps().size(); ++i) {
    const pipeline::NamedMap& map = pipeline.maps()[i];
    shown.maps.push_back({.name = map.name, .btf = map.btf});
    if (!pipeline::is_ring(*map.map)) continue;
    rings.push_back(map.name);
    shown.wanted[i] = options.maps.empty() && map.reader;
  }
  if (rings.empty() && options.maps.empty()) {
    return Error{ErrorCode::kUsage, options.replay.config +
                                        ": no map takes records: there is no perf_event_array and no "
                                        "ringbuf"};
  }
  for (const std::string& name : options.maps) {
    if (auto done = want(pipeline, name, rings, shown); !done) return std::move(done).error();
  }
  std::vector<RecordMap*> typed;
  for (std::size_t i = 0; i < shown.maps.size(); ++i) {
    if (shown.wanted[i]) typed.push_back(&shown.maps[i]);
  }
  if (auto done = set_types(typed, options.types); !done) return std::move(done).error();
  return shown;
}

class Printer : public replay::RecordSink {
 public:
  Printer(const pipeline::Pipeline& pipeline, const Shown& shown, bool json)
      : pipeline_(pipeline), shown_(shown), json_(json) {}

  void record(const pipeline::RingRecord& record, std::uint16_t port, std::uint64_t time_ns) override {
    if (!shown_.wanted[record.map]) return;
    const RecordMap& map = shown_.maps[record.map];
    const RecordOrigin origin{.time_ns = time_ns, .port = pipeline_.ports()[port].name};
    const std::string text =
        json_ ? record_json(record, map, origin).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
              : record_text(record, map, origin);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }

 private:
  const pipeline::Pipeline& pipeline_;
  const Shown& shown_;
  bool json_;
};

// What records hold of frames, as packets of one file: an interface is the port that the frame came in by.
class Packets : public replay::RecordSink {
 public:
  static Result<std::unique_ptr<Packets>> create(const std::string& path, const pipeline::Pipeline& pipeline,
                                                 const Shown& shown) {
    if (path.ends_with(".pcap")) {
      return Error{ErrorCode::kUsage, fmt::format("-w {}: expected another ending, .pcapng is what is written", path)};
    }
    std::vector<std::string> ports;
    for (const pipeline::Port& port : pipeline.ports()) ports.push_back(port.name);
    auto writer = replay::create_pcapng(path, ports, "sluice events");
    if (!writer) return std::move(writer).error();
    return std::unique_ptr<Packets>(new Packets(std::move(*writer), shown));
  }

  void record(const pipeline::RingRecord& record, std::uint16_t port, std::uint64_t time_ns) override {
    if (!shown_.wanted[record.map]) return;
    if (record.of_frame == 0) {
      without_ += 1;
      return;
    }
    written_ += 1;
    writer_->write({.time_ns = time_ns,
                    .head = record.bytes.last(record.of_frame),
                    .frag = {},
                    .comment = shown_.maps[record.map].name,
                    .interface = port});
  }
  // What failed, in words.
  std::optional<std::string> finish() { return writer_->finish(); }
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
  [[nodiscard]] std::uint64_t without() const noexcept { return without_; }

 private:
  Packets(std::unique_ptr<replay::Writer> writer, const Shown& shown) : writer_(std::move(writer)), shown_(shown) {}

  std::unique_ptr<replay::Writer> writer_;
  const Shown& shown_;
  std::uint64_t written_ = 0;
  std::uint64_t without_ = 0;  // records that hold nothing of a frame
};

void print_end(const Events& options, const pipeline::Pipeline& pipeline, const Shown& shown,
               const replay::ReplayReport& report, const Packets* packets) {
  std::vector<pipeline::RingCounters> rings;
  pipeline::RingCounters sum;
  for (const pipeline::RingCounters& ring : report.lanes[0].rings) {
    if (!shown.wanted[ring.map]) continue;
    rings.push_back(ring);
    sum.records += ring.records;
    sum.lost += ring.lost;
  }
  if (options.replay.common.json) {
    Json end = {{"version", 1},
                {"config", options.replay.config},
                {"frames", report.frames},
                {"records", sum.records},
                {"lost", sum.lost},
                {"rings", rings_json(pipeline, rings)},
                {"difference", report.difference ? Json(*report.difference) : Json(nullptr)}};
    if (packets != nullptr) {
      end["packets"] = packets->written();
      end["records_without_packet"] = packets->without();
    }
    fmt::print("{}\n", end.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else if (!options.replay.common.quiet) {
    fmt::print("{}\n{} frames, {} records, {} lost\n", rings_table(pipeline, rings), report.frames, sum.records,
               sum.lost);
    if (packets != nullptr) {
      fmt::print("{} packets in {}, {} records hold none\n", packets->written(), options.write, packets->without());
    }
  }
}

}  // namespace

int events(const Events& options) {
  ReplaySetup setup;
  if (const int wrong = set_up(options.replay, setup); wrong != kOk) return wrong;
  const pipeline::Pipeline& pipeline = *setup.loaded.pipelines[0];
  const auto shown = choose(options, pipeline);
  if (!shown) return fail(shown.error());
  Printer printer(pipeline, *shown, options.replay.common.json);
  setup.settings.records = &printer;
  std::unique_ptr<Packets> packets;
  if (!options.write.empty()) {
    auto created = Packets::create(options.write, pipeline, *shown);
    if (!created) return fail(created.error());
    packets = std::move(*created);
    setup.settings.records = packets.get();
  }
  const auto report = replay::replay(setup.loaded.pipelines, setup.inputs, setup.settings);
  if (!report) return fail(report.error());
  if (auto failed = packets ? packets->finish() : std::nullopt) {
    return fail({ErrorCode::kEnvironment, std::move(*failed)});
  }
  print_end(options, pipeline, *shown, *report, packets.get());
  return verdict_of(*report);
}

}  // namespace sluice::cli
