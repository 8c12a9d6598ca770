// sluice prog run OBJ --program NAME --data-in F: one program on one frame, or on every frame of a capture.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/common.h"
#include "dataplane/cli/fixture.h"
#include "dataplane/cli/map_dump.h"
#include "dataplane/cli/record_text.h"
#include "dataplane/cli/verbs.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/stats.h"
#include "dataplane/replay/reader.h"
#include "vm/timers.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

// CRC-32 of IEEE 802.3 (reflected, 0xedb88320), as zlib's crc32.
std::uint32_t crc32(std::span<const std::byte> bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320U ^ (c >> 1) : c >> 1;
      table[i] = c;
    }
    return table;
  }();
  std::uint32_t c = ~0U;
  for (const std::byte byte : bytes) c = kTable[(c ^ static_cast<std::uint32_t>(byte)) & 0xff] ^ (c >> 8);
  return ~c;
}

// The first four bytes of pcap in either byte order and precision, and of pcapng.
bool is_capture(std::span<const std::byte> bytes) {
  if (bytes.size() < 4) return false;
  std::uint32_t magic = 0;
  for (std::size_t i = 0; i < 4; ++i) magic = (magic << 8) | static_cast<std::uint32_t>(bytes[i]);
  constexpr std::uint32_t kMagics[] = {0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a};
  return std::ranges::find(kMagics, magic) != std::end(kMagics);
}

// Lines of bpf_trace_printk.
class StderrTrace : public vm::TraceSink {
 public:
  void line(std::string_view text) noexcept override {
    std::fwrite(text.data(), 1, text.size(), stderr);
    if (!text.ends_with('\n')) std::fputc('\n', stderr);
  }
};

constexpr unsigned kTimersARun = 1024;  // callbacks may arm timers that are due at once

struct RunOutcome {
  std::uint32_t verdict = 0;
  std::uint64_t insns = 0;  // of the last run
  std::uint64_t mean_ns = 0;
};

class FrameRun {
 public:
  FrameRun(const ReadyPrograms::Ready& program, const ProgRun& options, pipeline::FrameModel model)
      : program_(program), options_(options), buffer_(model), timers_(program.runner.program().program().maps) {
    env_.timers = timers_.get();
    if (options.common.verbose) env_.trace = &trace_;
  }

  // Runs the program `repeat` times on one frame, which stays as the run before left it, as in BPF_PROG_TEST_RUN.
  // False when the frame model cannot hold the frame.
  bool run(std::span<const std::byte> frame, std::uint32_t repeat, RunOutcome& outcome, std::string_view& why) {
    if (!buffer_.load(frame, program_.runner.program().program().frags, context_, &why)) return false;
    context_.ingress_ifindex = options_.ingress_ifindex;
    const auto start = std::chrono::steady_clock::now();
    for (std::uint32_t i = 0; i < repeat; ++i) {
      context_.depth = 0;
      context_.path[0] = program_.slot.stage;
      context_.redirect = {};
      program_.runner.burst(&context_, 1, &outcome.verdict, env_, &outcome.insns);
      // What is due by now; what is not yet is dropped at the end.
      if (env_.timers != nullptr && env_.timers->any()) env_.timers->run_due(env_.clock.now_ns(), kTimersARun, env_);
    }
    const auto elapsed = std::chrono::steady_clock::now() - start;
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count();
    outcome.mean_ns = static_cast<std::uint64_t>(ns) / repeat;
    pipeline::FrameBuffer::store(context_, out_);
    out_.insert(out_.begin(), context_.data_meta, context_.data);
    return true;
  }

  // Metadata, then the frame, as the kernel's data_out.
  [[nodiscard]] std::span<const std::byte> out() const { return out_; }
  [[nodiscard]] std::uint32_t metadata() const {
    return static_cast<std::uint32_t>(context_.data - context_.data_meta);
  }

 private:
  const ReadyPrograms::Ready& program_;
  const ProgRun& options_;
  pipeline::FrameBuffer buffer_;
  vm::XdpContext context_;
  StderrTrace trace_;
  vm::LocalTimers timers_;
  vm::ExecEnv env_;
  std::vector<std::byte> out_;
};

std::string_view verdict_name(std::uint32_t raw) {
  return pipeline::verdict_name(raw < vm::kVerdicts ? raw : pipeline::kInvalidVerdict);
}

// Records of the maps that the fixture gives a reader.
class Records {
 public:
  Records(pipeline::RingReader& reader, const OpenObject& object) : reader_(reader) {
    for (std::size_t i = 0; i < object.maps.size(); ++i) {
      maps_.push_back({.name = object.object.maps[i].spec.name, .btf = object.object.btf});
    }
  }
  Result<void> set_types(std::span<const std::string> words) {
    std::vector<RecordMap*> read;
    for (const pipeline::RingCounters& ring : reader_.counters()) read.push_back(&maps_[ring.map]);
    return cli::set_types(read, words);
  }
  [[nodiscard]] bool none() const { return reader_.empty(); }

  // What was written since the last time.
  std::string text() {
    take();
    std::string text;
    for (std::size_t i = 0; i < batch_.size(); ++i) text += record_text(record(i), map(i));
    return lost_ == 0 ? text : text + fmt::format("{} lost\n", lost_);
  }
  // The same as members of an object, after a comma; nothing without readers.
  std::string members() {
    if (none()) return {};
    take();
    Json list = Json::array();
    for (std::size_t i = 0; i < batch_.size(); ++i) list.push_back(record_json(record(i), map(i)));
    return fmt::format(",\"records\":{},\"lost\":{}", list.dump(-1, ' ', false, Json::error_handler_t::replace), lost_);
  }

 private:
  void take() {
    reader_.take(batch_);
    std::uint64_t lost = 0;
    for (const pipeline::RingCounters& ring : reader_.counters()) lost += ring.lost;
    lost_ = lost - std::exchange(told_, lost);
  }
  [[nodiscard]] pipeline::RingRecord record(std::size_t index) const { return batch_.record(index); }
  [[nodiscard]] const RecordMap& map(std::size_t index) const { return maps_[record(index).map]; }

  pipeline::RingReader& reader_;
  std::vector<RecordMap> maps_;  // as those of the object
  pipeline::RingBatch batch_;
  std::uint64_t lost_ = 0;  // since the time before
  std::uint64_t told_ = 0;
};

int run_one(FrameRun& run, Records& records, const ProgRun& options, std::span<const std::byte> frame,
            pipeline::Engine engine) {
  RunOutcome outcome;
  std::string_view why;
  if (!run.run(frame, std::max(options.repeat, 1U), outcome, why)) {
    return fail({ErrorCode::kUsage, fmt::format("{}: the frame is {}", options.data_in, why)});
  }
  if (!options.data_out.empty()) {
    if (const auto written = write_file(options.data_out, run.out()); !written) return fail(written.error());
  }
  if (options.common.json) {
    Json insns = nullptr;
    if (engine == pipeline::Engine::kInterp) insns = outcome.insns;
    const Json result{{"retval", outcome.verdict},
                      {"verdict", verdict_name(outcome.verdict)},
                      {"data_size_in", frame.size()},
                      {"data_size_out", run.out().size()},
                      {"data_meta", run.metadata()},
                      {"duration_ns", outcome.mean_ns},
                      {"engine", pipeline::engine_name(engine)},
                      {"insns_executed", insns}};
    std::string text = result.dump();
    text.insert(text.size() - 1, records.members());
    fmt::print("{}\n", text);
  } else {
    fmt::print("{} ({}), {} bytes in, {} bytes out of which {} metadata, {} ns, engine {}\n",
               verdict_name(outcome.verdict), outcome.verdict, frame.size(), run.out().size(), run.metadata(),
               outcome.mean_ns, pipeline::engine_name(engine));
    fmt::print("{}", records.text());
  }
  return kOk;
}

void print_line(const FrameRun& run, Records& records, const RunOutcome& outcome, std::uint64_t number, bool json) {
  if (json) {
    fmt::print("{{\"n\":{},\"retval\":{},\"data_size_out\":{},\"data_meta\":{},\"data_out_crc32\":{}{}}}\n", number,
               outcome.verdict, run.out().size(), run.metadata(), crc32(run.out()), records.members());
  } else {
    fmt::print("{:>8}  {:<9} {:>6} bytes out  crc32 {:08x}\n", number, verdict_name(outcome.verdict), run.out().size(),
               crc32(run.out()));
    fmt::print("{}", records.text());
  }
}

int run_capture(FrameRun& run, Records& records, const ProgRun& options) {
  if (!options.data_out.empty()) return fail({ErrorCode::kUsage, "--data-out takes one frame, --data-in is a capture"});
  const auto reader = replay::open_capture(options.data_in);
  if (!reader) return fail(reader.error());
  replay::Record record;
  while ((*reader)->next(record)) {
    RunOutcome outcome;
    std::string_view why;
    if (run.run(record.bytes, std::max(options.repeat, 1U), outcome, why)) {
      print_line(run, records, outcome, record.number, options.common.json);
    } else if (options.common.json) {
      fmt::print(
          "{{\"n\":{},\"retval\":null,\"data_size_out\":null,\"data_meta\":null,\"data_out_crc32\":null,"
          "\"error\":\"{}\"}}\n",
          record.number, why);
    } else {
      fmt::print("{:>8}  not run: {}\n", record.number, why);
    }
  }
  if (const auto& damage = (*reader)->damage()) {
    return fail({ErrorCode::kEnvironment, fmt::format("{}: {}", options.data_in, *damage)});
  }
  return kOk;
}

Result<pipeline::FrameModel> frame_model(std::string_view name) {
  if (name == "linux") return pipeline::FrameModel::kLinux;
  if (name == "native") return pipeline::FrameModel::kNative;
  return Error{ErrorCode::kUsage, fmt::format("unknown frame model '{}', expected linux or native", name)};
}

}  // namespace

int prog_run(const ProgRun& options) {
  const auto engine = pipeline::engine_of(options.engine);
  if (!engine) return fail(engine.error());
  const auto model = frame_model(options.frame_model);
  if (!model) return fail(model.error());
  pipeline::Fixture fixture;
  if (!options.maps.empty()) {
    auto read = read_fixture(options.maps);
    if (!read) return kConfig;
    fixture = std::move(*read);
  }
  const auto opened = open_object(options.object, {.fixture = &fixture,
                                                   .program = options.program,
                                                   .btf = options.btf,
                                                   .kconfig = options.kconfig,
                                                   .type = options.type});
  if (!opened) return fail(opened.error());
  const auto program = choose_program(opened->object, options.program);
  if (!program) return fail(program.error());
  const auto input = read_file(options.data_in);
  if (!input) return fail(input.error());

  ReadyPrograms programs(*opened, *engine);
  const auto ready = programs.get(**program);
  if (!ready) return fail(ready.error());
  if (const int result = apply_fixture(fixture, programs, **program); result != kOk) return result;
  const auto reader = open_readers(fixture, *opened);
  if (!reader) return fail(reader.error());
  Records records(**reader, *opened);
  if (const auto typed = records.set_types(options.record_types); !typed) return fail(typed.error());
  FrameRun run(**ready, options, *model);
  const int result =
      is_capture(*input) ? run_capture(run, records, options) : run_one(run, records, options, *input, *engine);
  if (result != kOk || options.dump_maps.empty()) return result;
  const std::string dump = dump_maps(*opened);
  const auto written = write_file(options.dump_maps, std::as_bytes(std::span(dump)));
  return written ? kOk : fail(written.error());
}

}  // namespace sluice::cli
