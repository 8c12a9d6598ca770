#include "dataplane/replay/replay.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/verbs.h"
#include "tests/unit/pipeline/loading.h"
#include "tests/unit/replay/captures.h"

namespace sluice::replay {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string source(const std::string& name) { return std::string(std::getenv("SLUICE_SOURCE")) + "/" + name; }

struct Ran {
  int exit = 0;
  std::string out, err;
};
Ran run(const cli::Replay& options) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.exit = cli::replay(options);
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

cli::Replay edge(const std::string& output = {}) {
  return {.config = source("configs/edge-router.yaml"),
          .inputs = {{"lan0", source("pcaps/imix.pcap")}, {"wan0", source("pcaps/edge.pcap")}},
          .output = output};
}

std::string output_directory(const std::string& name) {
  const std::string path = temporary(name) + "/";
  std::filesystem::remove_all(path);
  return path;
}

TEST(Replay, StagesAddUpToTheFramesRead) {
  cli::Replay options = edge();
  options.common.json = true;
  const Ran ran = run(options);
  ASSERT_EQ(ran.exit, 0) << ran.err;
  const json result = json::parse(ran.out);
  std::uint64_t judged = 0;
  for (const auto& stage : result["stages"]) {
    for (const auto& verdict : stage["verdicts"]) judged += verdict.get<std::uint64_t>();
  }
  std::uint64_t read = 0;
  for (const auto& input : result["inputs"]) read += input["frames"].get<std::uint64_t>();
  EXPECT_GT(read, 2'000U);
  EXPECT_EQ(judged, read);
  EXPECT_EQ(result["frames"], read);
  EXPECT_EQ(result["sent"].get<std::uint64_t>() + result["dropped"].get<std::uint64_t>(), read);
  EXPECT_TRUE(result["balanced"]);
}

TEST(Replay, TwiceGivesTheSameBytes) {
  for (const char* pattern : {"%p.pcap", "%p.pcapng"}) {
    const std::string one = output_directory("one");
    const std::string two = output_directory("two");
    ASSERT_EQ(run(edge(one + pattern)).exit, 0);
    ASSERT_EQ(run(edge(two + pattern)).exit, 0);
    unsigned files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(one)) {
      EXPECT_EQ(read_all(entry.path()), read_all(two + entry.path().filename().string())) << entry.path();
      ++files;
    }
    EXPECT_EQ(files, 3U);
    EXPECT_GT(std::filesystem::file_size(one + (pattern + std::string()).replace(0, 2, "wan0")), 10'000U);
  }
}

TEST(Replay, EnginesAgreeOnEveryShippedPipeline) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"configs/edge-router.yaml", "lan0", "pcaps/imix.pcap"},
      {"configs/l2-switch.yaml", "p1", "pcaps/l2.pcap"},
      {"configs/balancer.yaml", "uplink", "pcaps/balancer.pcap"}};
  for (const auto& [config, port, capture] : cases) {
    for (const char* model : {"native", "linux"}) {
      const Ran ran = run({.config = source(config),
                           .inputs = {{port, source(capture)}},
                           .engines = {"interp", "jit"},
                           .frame_model = model});
      EXPECT_EQ(ran.exit, 0) << config << ran.err;
      EXPECT_THAT(ran.out, HasSubstr("all engines agree"));
      EXPECT_THAT(ran.out, HasSubstr("frames read + "));
    }
  }
}

TEST(Replay, ADamagedInputIsRunUpToTheDamage) {
  std::string bytes = read_all(source("pcaps/imix.pcap"));
  bytes.resize(bytes.size() / 2);
  const Ran ran = run({.config = source("configs/edge-router.yaml"), .inputs = {{"lan0", write_capture(bytes)}}});
  EXPECT_EQ(ran.exit, cli::kEnvironment);
  EXPECT_THAT(ran.err, HasSubstr("frames before it were run"));
  EXPECT_THAT(ran.out, HasSubstr("frames read"));
}

TEST(Replay, WrongOptionsAreUsageErrors) {
  const auto exit = [](auto change) {
    cli::Replay options = edge();
    change(options);
    const Ran ran = run(options);
    EXPECT_EQ(ran.out, "");
    return ran;
  };
  EXPECT_EQ(exit([](cli::Replay& o) { o.engines = {"fast"}; }).exit, cli::kUsage);
  EXPECT_EQ(exit([](cli::Replay& o) { o.engines = {"opt"}; }).exit, cli::kUsage);
  EXPECT_EQ(exit([](cli::Replay& o) { o.clock = "wall"; }).exit, cli::kUsage);
  EXPECT_EQ(exit([](cli::Replay& o) { o.frame_model = "big"; }).exit, cli::kUsage);
  EXPECT_EQ(exit([](cli::Replay& o) { o.output = "one.pcap"; }).exit, cli::kUsage);
  EXPECT_EQ(exit([](cli::Replay& o) { o.inputs.clear(); }).exit, cli::kUsage);
  const Ran port = exit([](cli::Replay& o) { o.inputs[0].first = "lan1"; });
  EXPECT_EQ(port.exit, cli::kUsage);
  EXPECT_THAT(port.err, HasSubstr("did you mean 'lan0'?"));
}

TEST(Replay, ExitCodesTellConfigProgramAndEnvironmentApart) {
  const std::string capture = source("pcaps/l2.pcap");
  EXPECT_EQ(run({.config = "/nonexistent.yaml", .inputs = {{"a", capture}}}).exit, cli::kConfig);
  const auto config = [&](const std::string& function, const std::string& more = ", on_pass: drop") {
    return write_capture("version: 1\nports: {a: {}}\nprograms: {x: {object: \"" + pipeline::object("stages") +
                             "\", function: " + function + "}}\npipelines: {m: {entry: x" + more +
                             "}}\n"
                             "attach: [{ports: [a], ingress: m}]\n",
                         "config.yaml");
  };
  EXPECT_EQ(run({.config = config("last", ""), .inputs = {{"a", capture}}}).exit, cli::kConfig);  // no on_pass
  EXPECT_EQ(run({.config = config("unsafe"), .inputs = {{"a", capture}}}).exit, cli::kRejected);
  EXPECT_EQ(run({.config = config("send"), .inputs = {{"a", "/nonexistent.pcap"}}}).exit, cli::kEnvironment);
  EXPECT_EQ(run({.config = config("send"), .inputs = {{"a", capture}}, .output = "/dev/null/%p.pcap"}).exit,
            cli::kEnvironment);
  EXPECT_EQ(run({.config = config("send"), .inputs = {{"a", capture}}}).exit, cli::kOk);
}

TEST(Replay, QuietPrintsNothing) {
  cli::Replay options = edge();
  options.common.quiet = true;
  options.clock = "fixed";
  const Ran ran = run(options);
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out + ran.err, "");
}

TEST(Replay, LanesThatDifferAreToldWithTheFrame) {
  const std::string rest = "pipelines: {m: {entry: last, on_pass: b}}\nattach: [{ports: [a], ingress: m}]\n";
  const auto one = pipeline::load_text("programs: {last: {object: \"" + pipeline::object("stages") +
                                       "\", function: last}}\n" + rest);
  const auto two = pipeline::load_text("programs: {last: {object: \"" + pipeline::object("stages") +
                                       "\", function: last, globals: {pass: false}}}\n" + rest);
  ASSERT_TRUE(one->pipeline && two->pipeline) << one->said() << two->said();
  std::vector<std::unique_ptr<pipeline::Pipeline>> pipelines;
  pipelines.push_back(std::move(one->pipeline));
  pipelines.push_back(std::move(two->pipeline));
  const std::string capture = write_capture(pcap_header().text() + pcap_record(1, 0, std::string(60, 'x')));
  const auto report = replay(pipelines, {{.port = 0, .path = capture}}, {.output = {}});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->difference, "frame 1: interp sent 60 bytes to b (pass), interp dropped it (program)");
}

std::unique_ptr<pipeline::Loading> records(const std::string& more) {
  auto loading =
      pipeline::load_text("programs: {p: {object: \"" SLUICE_TEST_OBJECTS "/records.o\"" + more +
                          "}}\npipelines: {m: {entry: p, on_pass: b}}\nattach: [{ports: [a], ingress: m}]\n");
  EXPECT_TRUE(loading->pipeline) << loading->said();
  return loading;
}

TEST(Replay, LanesThatWriteOtherRecordsDiffer) {
  const std::string capture = write_capture(pcap_header().text() + pcap_record(1, 0, std::string(60, 'x')));
  for (const bool other : {false, true}) {
    std::vector<std::unique_ptr<pipeline::Pipeline>> pipelines;
    pipelines.push_back(std::move(records("")->pipeline));
    pipelines.push_back(std::move(records(other ? ", globals: {rounds: 1}" : "")->pipeline));
    ASSERT_TRUE(pipelines[0] && pipelines[1]);
    const auto report = replay(pipelines, {{.port = 0, .path = capture}}, {.output = {}});
    ASSERT_TRUE(report);
    if (other) {
      EXPECT_EQ(report->difference,
                "record 3 of the burst up to frame 1: interp and interp write different ones (map events)");
    } else {
      EXPECT_EQ(report->difference, std::nullopt);
    }
  }
}

TEST(Replay, RecordsHaveTheFramesTimeAndPort) {
  struct Seen : RecordSink {
    void record(const pipeline::RingRecord& record, std::uint16_t port, std::uint64_t time_ns) override {
      if (record.cpu) all.push_back(std::to_string(port) + "@" + std::to_string(time_ns));
    }
    std::vector<std::string> all;
  } seen;
  std::vector<std::unique_ptr<pipeline::Pipeline>> pipelines;
  pipelines.push_back(std::move(records("")->pipeline));
  ASSERT_TRUE(pipelines[0]);
  const std::string frame(60, 'x');
  const std::string capture = write_capture(pcap_header().text() + pcap_record(1, 1, frame) + pcap_record(1, 1, frame) +
                                            pcap_record(1, 3, frame) + pcap_record(1, 2, frame));
  const auto report = replay(pipelines, {{.port = 0, .path = capture}}, {.output = {}, .records = &seen});
  ASSERT_TRUE(report);
  const std::string first = "0@1000001000", later = "0@1000003000";  // time never runs backwards
  EXPECT_THAT(seen.all, testing::ElementsAre(first, first, later, later));
  ASSERT_EQ(report->lanes[0].rings.size(), 2U);
  for (const auto& ring : report->lanes[0].rings) {
    const bool events = pipelines[0]->maps()[ring.map].name == "events";
    EXPECT_EQ(ring, (pipeline::RingCounters{
                        .map = ring.map, .records = events ? 4U : 3U, .bytes = events ? 4U * 76 : 3U * 16, .lost = 0}));
  }
}

TEST(Replay, FramesOutsideTheModelAreDroppedByName) {
  const auto loading = pipeline::load_text("programs: {last: {object: \"" + pipeline::object("stages") +
                                           "\", function: last}}\npipelines: {m: {entry: last, on_pass: b}}\n"
                                           "attach: [{ports: [a], ingress: m}]\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  std::vector<std::unique_ptr<pipeline::Pipeline>> pipelines;
  pipelines.push_back(std::move(loading->pipeline));
  const std::string capture =
      write_capture(pcap_header().text() + pcap_record(1, 0, std::string(13, 'x')) +
                    pcap_record(1, 0, std::string(4'000, 'x')) + pcap_record(1, 0, std::string(60, 'x')));
  const auto report =
      replay(pipelines, {{.port = 0, .path = capture}}, {.model = pipeline::FrameModel::kLinux, .output = {}});
  ASSERT_TRUE(report);
  const pipeline::Stats& stats = report->lanes[0].stats;
  EXPECT_EQ(stats.dropped(pipeline::DropReason::kTooShort), 1U);
  EXPECT_EQ(stats.dropped(pipeline::DropReason::kTooLong), 1U);
  EXPECT_EQ(stats.tx(), 1U);
  EXPECT_EQ(pipeline::imbalance(stats), std::nullopt);
}

// Bytes of the value under a key in the map `name`, as 64-bit words; none when it is not there.
std::vector<std::uint64_t> words(const pipeline::Pipeline& pipeline, std::string_view name, std::uint32_t key) {
  for (const pipeline::NamedMap& named : pipeline.maps()) {
    if (named.map->spec().name != name) continue;
    std::vector<std::uint64_t> value(named.map->spec().value_size / 8);
    const int error =
        named.map->read(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<std::byte*>(value.data()));
    return error == 0 ? value : std::vector<std::uint64_t>{};
  }
  ADD_FAILURE() << "no map " << name;
  return {};
}

// A frame whose flow is `flow`, `ms` after second 10.
std::string frame_of(char flow, std::uint32_t ms) {
  std::string frame(60, 'x');
  frame[5] = flow;
  return pcap_record(10 + ms / 1000, ms % 1000 * 1000, frame);
}

TEST(Replay, TimersRunAtTheirTimeBeforeTheFramesThatFollow) {
  std::vector<std::unique_ptr<pipeline::Pipeline>> pipelines;
  for (const auto engine : {pipeline::Engine::kInterp, pipeline::Engine::kJit}) {
    const auto loading = pipeline::load_text("programs: {track: {object: \"" + pipeline::object("timers") +
                                                 "\"}}\npipelines: {m: {entry: track, on_pass: b}}\n"
                                                 "attach: [{ports: [a], ingress: m}]\n",
                                             engine);
    ASSERT_TRUE(loading->pipeline) << loading->said();
    pipelines.push_back(std::move(loading->pipeline));
  }
  // Flow 1 ends at 11.9 s, flow 2 at 11.5 s and, come again, not before the end; the tick is due at the very time of
  // the last frame.
  const std::string capture =
      write_capture(pcap_header().text() + frame_of(1, 0) + frame_of(2, 500) + frame_of(1, 900) + frame_of(3, 1'600) +
                    frame_of(2, 2'300) + frame_of(4, 2'500));
  const auto report = replay(pipelines, {{.port = 0, .path = capture}}, {.output = {}});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->difference, std::nullopt);
  EXPECT_EQ(report->lanes[0].stats.tx(), 6U);
  using Words = std::vector<std::uint64_t>;
  for (const auto& pipeline : pipelines) {
    EXPECT_EQ(words(*pipeline, "expired", 1), (Words{11'900'000'000, 2}));
    EXPECT_EQ(words(*pipeline, "expired", 2), (Words{11'500'000'000, 1}));
    EXPECT_EQ(words(*pipeline, "expired", 3), Words{});
    EXPECT_EQ(words(*pipeline, "flows", 1), Words{});
    EXPECT_EQ(words(*pipeline, "flows", 2), (Words{0, 0, 1})) << "timers read as zero";
    EXPECT_EQ(words(*pipeline, "clocks", 0), (Words{25, 12'500'000'000, 0, 0}));
  }
}

}  // namespace
}  // namespace sluice::replay
