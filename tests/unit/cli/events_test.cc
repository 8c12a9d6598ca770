// `sluice events` and the records of `prog run`, end to end: options in; exit code, stdout and stderr out.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "dataplane/cli/verbs.h"
#include "dataplane/replay/reader.h"
#include "tests/unit/replay/captures.h"

namespace sluice::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const std::string kObject = std::string(SLUICE_TEST_OBJECTS) + "/records.o";

std::string source(const std::string& name) { return std::string(std::getenv("SLUICE_SOURCE")) + "/" + name; }

struct Said {
  int code = 0;
  std::string out, err;
  // Every line a value.
  [[nodiscard]] std::vector<json> lines() const {
    std::vector<json> all;
    std::istringstream text(out);
    for (std::string line; std::getline(text, line);) all.push_back(json::parse(line));
    return all;
  }
};

Said say(const std::function<int()>& verb) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Said said;
  said.code = verb();
  std::fflush(stdout);
  said.out = testing::internal::GetCapturedStdout();
  said.err = testing::internal::GetCapturedStderr();
  return said;
}

const std::string kLong = std::string("\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0", 14) + std::string(46, 'L');
const std::string kShort = std::string("\x02\0\0\0\0\x01\x02\0\0\0\0\x03\x86\xdd", 14) + "short.";
// Frames of 60 and 20 bytes, 5 and 6 ns after a second.
const std::string kCapture =
    replay::pcap_header(0xa1b23c4d).text() + replay::pcap_record(1, 5, kLong) + replay::pcap_record(1, 6, kShort);

class EventsVerb : public testing::Test {
 protected:
  EventsVerb() {
    std::string name = testing::TempDir() + "sluice-events-XXXXXX";
    directory_ = mkdtemp(name.data());
    options_.replay.config = config("");
    options_.replay.inputs = {{"a", write("two.pcap", kCapture)}};
  }
  ~EventsVerb() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string path = directory_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  // With more keys of the program and of the file.
  [[nodiscard]] std::string config(const std::string& more, const std::string& of_program = {}) const {
    return write("records.yaml", "version: 1\nports: {a: {}, b: {}}\nprograms: {p: {object: \"" + kObject + "\"" +
                                     of_program + "}}\npipelines: {x: {entry: p, on_pass: b}}\n" +
                                     "attach: [{ports: [a], ingress: x}]\n" + more);
  }
  Said run() {
    return say([&] { return events(options_); });
  }

  std::filesystem::path directory_;
  Events options_;
};

TEST_F(EventsVerb, PrintsRecordsOfAllMapsInTheOrderTheyWereBegun) {
  options_.types = {"seen"};
  const Said said = run();
  EXPECT_EQ(said.code, kOk) << said.err;
  const char* const expected =
      "1.000000005  a  journal  16 bytes  {ifindex: 1, length: 60, protocol: 2048, source: \"02:00:00:00:00:02\", "
      "number: 1}\n"
      "1.000000005  a  events  cpu 0  76 bytes, 60 of the frame  {ifindex: 1, length: 60, protocol: 2048, source: "
      "\"02:00:00:00:00:02\", number: 1}\n"
      "  00000000  02 00 00 00 00 01 02 00  00 00 00 02 08 00 4c 4c  |..............LL|\n"
      "  00000010  4c 4c 4c 4c 4c 4c 4c 4c  4c 4c 4c 4c 4c 4c 4c 4c  |LLLLLLLLLLLLLLLL|\n"
      "  00000020  4c 4c 4c 4c 4c 4c 4c 4c  4c 4c 4c 4c 4c 4c 4c 4c  |LLLLLLLLLLLLLLLL|\n"
      "  00000030  4c 4c 4c 4c 4c 4c 4c 4c  4c 4c 4c 4c              |LLLLLLLLLLLL|\n";
  EXPECT_THAT(said.out, testing::StartsWith(expected));
  EXPECT_THAT(said.out, HasSubstr("1.000000006  a  journal  16 bytes  {ifindex: 1, length: 20, protocol: 34525"));
  EXPECT_THAT(said.out, HasSubstr("2 frames, 4 records, 0 lost\n"));
}

TEST_F(EventsVerb, BytesOfUnknownTypeAreDumped) {
  options_.maps = {"journal"};
  const Said said = run();
  EXPECT_EQ(said.code, kOk) << said.err;
  EXPECT_THAT(said.out, testing::StartsWith(
                            "1.000000005  a  journal  16 bytes\n"
                            "  00000000  01 00 00 00 3c 00 08 00  02 00 00 00 00 02 01 00  |....<...........|\n"));
  EXPECT_THAT(said.out, Not(HasSubstr("events")));
}

TEST_F(EventsVerb, JsonIsAnObjectALine) {
  options_.replay.common.json = true;
  options_.types = {"events=struct seen"};
  const Said said = run();
  EXPECT_EQ(said.code, kOk) << said.err;
  const auto lines = said.lines();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0], json::parse(R"({"time_ns": 1000000005, "port": "a", "map": "journal", "cpu": null, "size": 16,
                                      "of_frame": 0, "value": null, "hex": "010000003c0008000200000000020100"})"));
  EXPECT_EQ(lines[1]["map"], "events");
  EXPECT_EQ(lines[1]["cpu"], 0);
  EXPECT_EQ(lines[1]["size"], 76);
  EXPECT_EQ(lines[1]["of_frame"], 60);
  EXPECT_EQ(lines[1]["value"], json::parse(R"({"ifindex": 1, "length": 60, "protocol": 2048,
                                               "source": "02:00:00:00:00:02", "number": 1})"));
  EXPECT_EQ(lines[3]["time_ns"], 1'000'000'006);
  const json& end = lines[4];
  EXPECT_EQ(end["frames"], 2);
  EXPECT_EQ(end["records"], 4);
  EXPECT_EQ(end["lost"], 0);
  EXPECT_EQ(end["rings"][0]["type"], "ringbuf");
  EXPECT_EQ(end["difference"], nullptr);
}

TEST_F(EventsVerb, EnginesWriteTheSameBytesOfARealCapture) {
  std::vector<std::string> outputs;
  for (const std::vector<std::string>& engines : {std::vector<std::string>{"interp"}, {"jit"}, {"interp", "jit"}}) {
    for (const bool as_json : {false, true}) {
      options_.replay.engines = engines;
      options_.replay.common.json = as_json;
      options_.replay.inputs = {{"a", source("pcaps/imix.pcap")}, {"b", source("pcaps/edge.pcap")}};
      options_.types = {"seen"};
      const Said said = run();
      EXPECT_EQ(said.code, kOk) << said.err;
      outputs.push_back(said.out);
    }
  }
  for (std::size_t i = 2; i < outputs.size(); ++i) EXPECT_EQ(outputs[i], outputs[i % 2]);
  // 2,400 frames; every fourth one's record of the journal is discarded.
  EXPECT_THAT(outputs[0], HasSubstr("4200 records, 0 lost\n"));
}

TEST_F(EventsVerb, RecordsAreTheSameWhateverIsShown) {
  options_.replay.common.json = true;
  const auto all = run().lines();
  options_.maps = {"events"};
  const auto some = run().lines();
  ASSERT_EQ(some.size(), 3U);
  EXPECT_EQ(some[0], all[1]);
  EXPECT_EQ(some[1], all[3]);
}

TEST_F(EventsVerb, LostRecordsAreCounted) {
  options_.replay.config = config("", ", globals: {rounds: 20000}");
  options_.replay.common.json = true;
  for (const std::vector<std::string>& engines : {std::vector<std::string>{"interp"}, {"jit"}}) {
    options_.replay.engines = engines;
    const Said said = run();
    EXPECT_EQ(said.code, kOk) << said.err;
    const json end = said.lines().back();
    const std::uint64_t written = 2 * 20'001;
    for (const json& ring : end["rings"]) {
      EXPECT_GT(ring["records"], 300) << ring;
      EXPECT_GT(ring["lost"], 10'000) << ring;
      EXPECT_EQ(ring["records"].get<std::uint64_t>() + ring["lost"].get<std::uint64_t>(), written) << ring;
    }
    EXPECT_EQ(end["lost"], end["rings"][0]["lost"].get<std::uint64_t>() + end["rings"][1]["lost"].get<std::uint64_t>());
    EXPECT_EQ(said.lines().size(), end["records"].get<std::uint64_t>() + 1);
  }
}

TEST_F(EventsVerb, PacketsInRecordsBecomeACapture) {
  options_.write = path("packets.pcapng");
  options_.replay.inputs = {{"b", path("two.pcap")}};
  options_.replay.config = config("", ", globals: {rounds: 1}");  // one record more to each ring, without a packet
  const std::string both = "attach: [{ports: [a, b], ingress: x}]\n";
  std::string text = replay::read_all(options_.replay.config);
  text.replace(text.find("attach:"), text.npos, both);
  write("records.yaml", text);
  const Said said = run();
  EXPECT_EQ(said.code, kOk) << said.err;
  EXPECT_THAT(said.out,
              HasSubstr("2 frames, 8 records, 0 lost\n2 packets in " + options_.write + ", 6 records hold none\n"));
  EXPECT_THAT(said.out, Not(HasSubstr("cpu 0")));

  auto reader = replay::open_capture(options_.write);
  ASSERT_TRUE(reader);
  replay::Record record;
  for (const std::string& frame : {kLong, kShort}) {
    ASSERT_TRUE((*reader)->next(record));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(record.bytes.data()), record.bytes.size()), frame);
    EXPECT_EQ(record.time_ns, frame == kLong ? 1'000'000'005U : 1'000'000'006U);
    EXPECT_EQ(record.original_length, frame.size());
  }
  EXPECT_FALSE((*reader)->next(record));
  EXPECT_EQ((*reader)->damage(), std::nullopt);

  options_.replay.common.json = true;
  const json end = run().lines().at(0);
  EXPECT_EQ(end["packets"], 2);
  EXPECT_EQ(end["records_without_packet"], 6);
}

TEST_F(EventsVerb, TsharkShowsPortAndMapOfPackets) {
  if (std::system("command -v tshark >/dev/null 2>&1") != 0) GTEST_SKIP() << "tshark is not installed";
  options_.write = path("shown.pcapng");
  ASSERT_EQ(run().code, kOk);
  const std::string command = "tshark -r " + options_.write + " -T fields -e frame.interface_name -e frame.comment " +
                              "-e frame.time_epoch -e frame.len -e frame.verdict.ebpf_xdp -E separator='|' 2>/dev/null";
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string out(4096, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), pipe));
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(out, "a|events|1.000000005|60|\na|events|1.000000006|20|\n");
}

TEST_F(EventsVerb, PacketsGoToAPcapngFileThatCanBeWritten) {
  options_.write = path("x.pcap");
  EXPECT_EQ(run().code, kUsage);
  EXPECT_FALSE(std::filesystem::exists(options_.write));
  options_.write = "/proc/x.pcapng";
  EXPECT_EQ(run().code, kEnvironment);
  if (std::filesystem::exists("/dev/full")) {
    options_.write = "/dev/full";
    const Said said = run();
    EXPECT_EQ(said.code, kEnvironment);
    EXPECT_THAT(said.err, HasSubstr("/dev/full: No space left on device"));
  }
}

TEST_F(EventsVerb, ReplayCountsThemToo) {
  Said said = say([&] { return replay(options_.replay); });
  EXPECT_EQ(said.code, kOk) << said.err;
  EXPECT_THAT(said.out, HasSubstr("\nRECORDS TO  RECORDS  BYTES  LOST\njournal           2     32     0\n"
                                  "events            2    112     0\n"));
  options_.replay.config = config("maps: {events: {reader: false}, journal: {reader: false}}\n");
  said = say([&] { return replay(options_.replay); });
  EXPECT_THAT(said.out, Not(HasSubstr("RECORDS TO")));
}

TEST_F(EventsVerb, MistakesAreExplained) {
  struct Case {
    std::vector<std::string> maps, types;
    const char* message;
  };
  for (const Case& c : {
           Case{{"event"}, {}, "there is no map 'event'; did you mean 'events'?; records go to: "},
           Case{{"failures"}, {}, "map failures is of type array: records go to perf_event_array and ringbuf maps ("},
           Case{{}, {"sean"}, "record type sean: the object's BTF has no such type; did you mean 'seen'?"},
           Case{{}, {"jurnal=seen"}, "record type jurnal=seen: no such map is shown; did you mean 'journal'?"},
           Case{{"events"}, {"journal=seen"}, "record type journal=seen: no such map is shown"},
           Case{{}, {"journal"}, "record type journal: the object's BTF has no such type"},  // a variable, not a type
       }) {
    options_.maps = c.maps;
    options_.types = c.types;
    const Said said = run();
    EXPECT_EQ(said.code, kUsage);
    EXPECT_EQ(said.out, "");
    EXPECT_THAT(said.err, HasSubstr(c.message));
  }
}

TEST_F(EventsVerb, WithoutAReaderThereIsNothingToShow) {
  options_.replay.config = config("maps: {events: {reader: false}}\n");
  options_.replay.common.json = true;
  Said said = run();
  EXPECT_EQ(said.code, kOk) << said.err;
  EXPECT_EQ(said.lines().back()["rings"].size(), 1U);
  options_.maps = {"events"};
  said = run();
  EXPECT_EQ(said.code, kUsage);
  EXPECT_THAT(said.err, HasSubstr("map events has no reader: the configuration says `reader: false`"));
  options_ = {.replay = {.config = source("configs/l2-switch.yaml"), .inputs = {{"p1", source("pcaps/l2.pcap")}}}};
  said = run();
  EXPECT_EQ(said.code, kUsage);
  EXPECT_THAT(said.err, HasSubstr("no map takes records"));
}

// --- prog run ---

class RecordsOfARun : public EventsVerb {
 protected:
  RecordsOfARun() {
    run_.object = kObject;
    run_.data_in = write("frame", kShort);
    run_.engine = "interp";
  }
  Said fixture(const std::string& yaml) {
    run_.maps = write("fixture.yaml", yaml);
    return say([&] { return prog_run(run_); });
  }
  // Of the map `failures`: what bpf_perf_event_output refused.
  std::string failed() {
    const json dump = json::parse(replay::read_all(path("dump.json")));
    return dump["failures"][0]["value"];
  }

  ProgRun run_;
};

TEST_F(RecordsOfARun, RingsAreOpenedByTheFixtureAlone) {
  run_.dump_maps = path("dump.json");
  const Said without = fixture("maps: {}\n");
  EXPECT_EQ(without.code, kOk) << without.err;
  EXPECT_EQ(failed(), "0100000000000000");
  EXPECT_EQ(std::ranges::count(without.out, '\n'), 1);
  run_.record_types = {"seen"};
  const Said with = fixture("maps: {events: {reader: true}, journal: {reader: true}}\n");
  EXPECT_EQ(with.code, kOk) << with.err;
  EXPECT_EQ(failed(), "0000000000000000");
  EXPECT_THAT(with.out,
              testing::EndsWith("\njournal  16 bytes  {ifindex: 1, length: 20, protocol: 34525, source: "
                                "\"02:00:00:00:00:03\", number: 1}\n"
                                "events  cpu 0  36 bytes, 20 of the frame  {ifindex: 1, length: 20, protocol: 34525, "
                                "source: \"02:00:00:00:00:03\", number: 1}\n"
                                "  00000000  02 00 00 00 00 01 02 00  00 00 00 03 86 dd 73 68  |..............sh|\n"
                                "  00000010  6f 72 74 2e                                       |ort.|\n"));
}

TEST_F(RecordsOfARun, JsonHasThemAsMembers) {
  run_.common.json = true;
  run_.record_types = {"journal=seen"};
  const json one = fixture("maps: {journal: {reader: true}}\n").lines().at(0);
  EXPECT_EQ(one["verdict"], "pass");
  EXPECT_EQ(one["lost"], 0);
  ASSERT_EQ(one["records"].size(), 1U);
  EXPECT_EQ(one["records"][0]["map"], "journal");
  EXPECT_EQ(one["records"][0]["value"]["length"], 20);
  EXPECT_FALSE(one["records"][0].contains("time_ns"));
  run_.record_types = {};
  EXPECT_FALSE(fixture("maps: {}\n").lines().at(0).contains("records"));  // the bare contract
}

TEST_F(RecordsOfARun, EachFrameOfACaptureHasItsOwn) {
  run_.common.json = true;
  run_.data_in = path("two.pcap");
  run_.repeat = 2;
  const auto lines = fixture("maps: {events: {reader: true}}\n").lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["records"].size(), 2U);
  EXPECT_EQ(lines[0]["records"][1]["of_frame"], 60);
  EXPECT_EQ(lines[1]["records"][0]["of_frame"], 20);
  EXPECT_EQ(lines[1]["data_size_out"], 20);
}

TEST_F(RecordsOfARun, WhatIsLostIsTold) {
  const std::string yaml = "maps: {journal: {reader: true}}\nglobals: {rounds: 1000}\n";
  const Said said = fixture(yaml);
  EXPECT_EQ(said.code, kOk) << said.err;
  EXPECT_THAT(said.out, testing::EndsWith("\n746 lost\n"));  // 24 bytes, then 254 times 16 in 4096, never quite full
  run_.common.json = true;
  run_.data_in = path("two.pcap");
  for (const json& line : fixture(yaml).lines()) {
    EXPECT_EQ(line["records"].size(), 255U);
    EXPECT_EQ(line["lost"], 746);
  }
}

TEST_F(RecordsOfARun, MistakesAreExplained) {
  const Said other = fixture("maps: {failures: {reader: true}}\n");
  EXPECT_EQ(other.code, kConfig);
  EXPECT_THAT(other.err, HasSubstr("map failures is of type array: only perf_event_array and ringbuf have readers"));
  run_.record_types = {"seen"};
  const Said none = fixture("maps: {}\n");
  EXPECT_EQ(none.code, kUsage);
  EXPECT_THAT(none.err, HasSubstr("record type seen: no map is read"));
  run_.record_types = {"sean"};
  const Said unknown = fixture("maps: {journal: {reader: true}}\n");
  EXPECT_EQ(unknown.code, kUsage);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'seen'?"));
}

}  // namespace
}  // namespace sluice::cli
