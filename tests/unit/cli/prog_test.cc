// The verbs on programs, end to end: options in; exit code, stdout, stderr and files out.
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

namespace sluice::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const std::string kObject = std::string(SLUICE_TEST_OBJECTS) + "/cli.o";
constexpr std::string_view kFrame("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00payload", 21);

struct Said {
  int code = 0;
  std::string out, err;
  [[nodiscard]] json parsed() const { return json::parse(out); }
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

// A directory of its own for each test.
class Prog : public testing::Test {
 protected:
  Prog() {
    std::string name = testing::TempDir() + "sluice-cli-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~Prog() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string path = directory_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  ProgRun run_of(const std::string& program) const {
    ProgRun run;
    run.common.json = true;
    run.object = kObject;
    run.program = program;
    run.data_in = write("frame", kFrame);
    run.engine = "interp";
    return run;
  }

 private:
  std::filesystem::path directory_;
};

std::string little(std::uint32_t value, unsigned bytes) {
  std::string text;
  for (unsigned i = 0; i < bytes; ++i) text += static_cast<char>(std::uint64_t{value} >> (8 * i));
  return text;
}

std::string capture(const std::vector<std::string>& frames) {
  std::string file =
      little(0xa1b2c3d4, 4) + little(2, 2) + little(4, 2) + little(0, 8) + little(65535, 4) + little(1, 4);
  for (const std::string& frame : frames) {
    const auto size = static_cast<std::uint32_t>(frame.size());
    file += little(1, 4) + little(0, 4) + little(size, 4) + little(size, 4) + frame;
  }
  return file;
}

// --- show and dump ---

TEST_F(Prog, ShowListsProgramsMapsAndOtherSections) {
  const Said said = say([] { return prog_show({.object = kObject}); });
  EXPECT_EQ(said.code, kOk);
  for (const char* part : {"answer", "careless", "percpu_array", "prog_array", "license  GPL", "tc"}) {
    EXPECT_THAT(said.out, HasSubstr(part));
  }
}

TEST_F(Prog, ShowAsJson) {
  const json all = say([] { return prog_show({.common = {.json = true}, .object = kObject}); }).parsed();
  EXPECT_EQ(all["version"], 1);
  EXPECT_EQ(all["programs"].size(), 5U);
  EXPECT_EQ(all["maps"].size(), 5U);
  EXPECT_EQ(all["maps"][2]["name"], "pairs");
  EXPECT_EQ(all["maps"][2]["key_size"], 2);
  EXPECT_EQ(all["other_sections"], json({"tc"}));
}

TEST_F(Prog, ShowOfSomethingElseThanAnObjectFails) {
  const Said absent = say([&] { return prog_show({.object = path("absent.o")}); });
  EXPECT_EQ(absent.code, kEnvironment);
  EXPECT_THAT(absent.err, HasSubstr("absent.o"));
  const std::string text = write("text.o", "no object");
  EXPECT_EQ(say([&] { return prog_show({.object = text}); }).code, kRejected);
}

TEST_F(Prog, DumpBpfShowsInstructionsWithTheirSource) {
  const Said said = say([] { return prog_dump({.object = kObject, .what = "bpf", .program = "jump"}); });
  EXPECT_EQ(said.code, kOk);
  EXPECT_THAT(said.out, HasSubstr("# tail_call"));
  EXPECT_THAT(said.out, HasSubstr("bpf_tail_call(ctx, &next, 1);"));
  EXPECT_THAT(said.out, HasSubstr("lddw_map r2"));
}

TEST_F(Prog, DumpBpfAsJson) {
  const json all = say([] { return prog_dump({.common = {.json = true}, .object = kObject, .what = "bpf"}); }).parsed();
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[2]["program"], "jump");
  EXPECT_EQ(all[2]["insns"].back()["text"], "exit");
}

TEST_F(Prog, DumpJitShowsMachineCode) {
  const Said said = say([] { return prog_dump({.object = kObject, .what = "jit", .program = "mark"}); });
  EXPECT_EQ(said.code, kOk) << said.err;
  EXPECT_THAT(said.out, HasSubstr("bytes of machine code"));
  const json all = say([] {
                     return prog_dump({.common = {.json = true}, .object = kObject, .what = "jit", .program = "mark"});
                   }).parsed();
  EXPECT_GT(all[0]["bytes"], 0);
  EXPECT_FALSE(all[0]["insns"][0]["code"].get<std::string>().empty());
}

TEST_F(Prog, DumpJitOfARefusedProgramIsARefusal) {
  const Said said = say([] { return prog_dump({.object = kObject, .what = "jit", .program = "careless"}); });
  EXPECT_EQ(said.code, kRejected);
  EXPECT_THAT(said.err, HasSubstr("error[pkt-bounds]"));
}

TEST_F(Prog, DumpCfgIsAGraph) {
  const Said said = say([] { return prog_dump({.object = kObject, .what = "cfg", .program = "mark"}); });
  EXPECT_EQ(said.code, kOk);
  EXPECT_THAT(said.out, testing::StartsWith("digraph cfg {"));
  EXPECT_THAT(said.out, HasSubstr("[label=\"true\"]"));
}

TEST_F(Prog, DumpBtfIsC) {
  const Said said = say([] { return prog_dump({.object = kObject, .what = "btf"}); });
  EXPECT_EQ(said.code, kOk);
  EXPECT_THAT(said.out, HasSubstr("struct xdp_md {"));
}

TEST_F(Prog, DumpOfAnythingElseIsUsage) {
  EXPECT_EQ(say([] { return prog_dump({.object = kObject, .what = "soul"}); }).code, kUsage);
  const Said said = say([] { return prog_dump({.object = kObject, .what = "bpf", .program = "marc"}); });
  EXPECT_EQ(said.code, kUsage);
  EXPECT_THAT(said.err, HasSubstr("did you mean 'mark'?"));
}

// --- objects that also hold other programs ---

const std::string kMixed = std::string(SLUICE_TEST_OBJECTS) + "/unknown_sections.o";

TEST_F(Prog, ShowListsProgramsOfOtherTypes) {
  const json all = say([] { return prog_show({.common = {.json = true}, .object = kMixed}); }).parsed();
  ASSERT_EQ(all["programs"].size(), 1U);
  const json& others = all["other_programs"];
  ASSERT_EQ(others.size(), 4U);
  EXPECT_EQ(others[0]["name"], "plain");
  EXPECT_EQ(others[0]["section"], "prog");
  EXPECT_EQ(others[0]["type"], nullptr);
  EXPECT_EQ(others[2]["type"], "xdp");
  EXPECT_THAT(others[2]["why"].get<std::string>(), HasSubstr("CONFIG_HZ"));
  EXPECT_EQ(others[3]["type"], "kprobe");
  EXPECT_EQ(others[3]["why"], nullptr);
  const Said said = say([] { return prog_show({.object = std::string(SLUICE_TEST_OBJECTS) + "/externs.o"}); });
  EXPECT_EQ(said.code, kOk);
  EXPECT_THAT(said.out, HasSubstr("cannot be linked"));
}

TEST_F(Prog, AProgramOfAnotherTypeIsAClearError) {
  for (const char* name : {"plain", "unlinkable", "probe"}) {
    const Said verify = say([&] { return prog_verify({.object = kMixed, .program = name}); });
    EXPECT_EQ(verify.code, kRejected) << name;
    EXPECT_THAT(verify.err, HasSubstr(name));
    ProgRun run = run_of(name);
    run.object = kMixed;
    EXPECT_EQ(say([&] { return prog_run(run); }).code, kRejected) << name;
    EXPECT_EQ(say([&] { return prog_dump({.object = kMixed, .what = "bpf", .program = name}); }).code, kRejected);
  }
}

TEST_F(Prog, TypeSaysWhatAProgramIsTakenFor) {
  ProgRun run = run_of("plain");
  run.object = kMixed;
  run.type = "xdp";
  EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "tx");
  run.type = "kprobe";
  EXPECT_EQ(say([&] { return prog_run(run); }).code, kUsage);
  // Its map is of a type that does not exist here: said where it is asked for, and only there.
  const Said probe = say([] { return prog_verify({.object = kMixed, .program = "probe", .type = "xdp"}); });
  EXPECT_EQ(probe.code, kRejected);
  EXPECT_THAT(probe.out, HasSubstr("error[map]: program probe: map 'traces': map type stack_trace is not supported"));
  EXPECT_EQ(say([] { return prog_verify({.object = kMixed, .program = "linkable"}); }).code, kOk);
}

TEST_F(Prog, VerifyOfAllNamesThoseThatCannotBeLinked) {
  const Said said = say([] { return prog_verify({.common = {.json = true}, .object = kMixed, .type = "xdp"}); });
  EXPECT_EQ(said.code, kRejected);
  const json all = said.parsed();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0]["program"], "plain");
  EXPECT_EQ(all[0]["verdict"], "accepted");
  EXPECT_EQ(all[3]["program"], "unlinkable");
  EXPECT_EQ(all[3]["code"], "object");
}

// --- verify ---

TEST_F(Prog, VerifyAsJsonIsABareArray) {
  const Said said = say([] { return prog_verify({.common = {.json = true}, .object = kObject}); });
  EXPECT_EQ(said.code, kRejected) << "one of them is careless";
  const json rows = said.parsed();
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0]["program"], "answer");
  EXPECT_EQ(rows[0]["verdict"], "accepted");
  EXPECT_TRUE(rows[0]["code"].is_null());
  for (const char* key : {"insns", "processed", "states", "stack", "us"}) EXPECT_TRUE(rows[0][key].is_number()) << key;
  const json& careless = rows[4];
  EXPECT_EQ(careless["program"], "careless");
  EXPECT_EQ(careless["section"], "xdp");
  EXPECT_EQ(careless["verdict"], "rejected");
  EXPECT_EQ(careless["code"], "pkt-bounds");
  EXPECT_THAT(careless["source"].get<std::string>(), HasSubstr("cli.bpf.c:"));
  EXPECT_FALSE(careless["message"].get<std::string>().empty());
}

TEST_F(Prog, VerifyOfOneProgramDecidesTheExitCode) {
  EXPECT_EQ(say([] { return prog_verify({.object = kObject, .program = "answer"}); }).code, kOk);
  const Said said = say([] { return prog_verify({.object = kObject, .program = "careless"}); });
  EXPECT_EQ(said.code, kRejected);
  EXPECT_THAT(said.out, HasSubstr("return data[0];"));
  EXPECT_EQ(say([] { return prog_verify({.object = kObject, .program = "nobody"}); }).code, kUsage);
}

// --- run ---

TEST_F(Prog, RunPrintsTheContractOfBpftool) {
  for (const char* engine : {"interp", "jit"}) {
    ProgRun run = run_of("mark");
    run.engine = engine;
    run.ingress_ifindex = 0x01020304;
    run.data_out = path("out");
    const Said said = say([&] { return prog_run(run); });
    EXPECT_EQ(said.code, kOk) << said.err;
    const json result = said.parsed();
    EXPECT_EQ(result["retval"], 3);
    EXPECT_EQ(result["verdict"], "tx");
    EXPECT_EQ(result["data_size_in"], 21);
    EXPECT_EQ(result["data_size_out"], 19);
    EXPECT_EQ(result["data_meta"], 4);
    EXPECT_EQ(result["engine"], engine);
    EXPECT_TRUE(result["duration_ns"].is_number_unsigned());
    EXPECT_EQ(result["insns_executed"].is_null(), std::string_view(engine) == "jit");
    EXPECT_EQ(read("out"), "\x04\x03\x02\x01" + std::string(kFrame.substr(6)));
  }
}

TEST_F(Prog, RunFillsMapsFromAFixtureAndDumpsThem) {
  for (const char* engine : {"interp", "jit"}) {
    ProgRun run = run_of("answer");
    run.engine = engine;
    run.repeat = 3;
    run.maps = write("maps.yaml",
                     "maps:\n  answers: {entries: {1: 2}}\n  seen: {entries: {0: 40}}\n"
                     "  pairs: {entries: [{key: {hex: \"ffee\"}, value: {hex: \"0100\"}}]}\n");
    run.dump_maps = path("dump.json");
    const Said said = say([&] { return prog_run(run); });
    EXPECT_EQ(said.code, kOk) << said.err;
    EXPECT_EQ(said.parsed()["verdict"], "pass");
    const json dump = json::parse(read("dump.json"));
    EXPECT_EQ(dump["answers"][1], json({{"key", "01000000"}, {"value", "02000000"}}));
    EXPECT_EQ(dump["seen"], json::parse(R"([{"key":"00000000","value":["2b00000000000000"]}])"));
    EXPECT_EQ(dump["pairs"], json::parse(R"([{"key":"0001","value":"0403"},{"key":"0201","value":"0403"},
                                             {"key":"ffee","value":"0100"}])"));
  }
}

TEST_F(Prog, FixturesSetGlobalsAndTheValuesOfSingleCpus) {
  ProgRun run = run_of("use_globals");
  run.object = std::string(SLUICE_TEST_OBJECTS) + "/globals.c19.v3.o";
  EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "pass");
  run.maps = write("globals.yaml", "maps: {}\nglobals: {limit: 10, level: -1}\n");
  EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "drop") << "the frame is longer than 10 bytes";
  run.maps = write("unknown.yaml", "maps: {}\nglobals: {limits: 10}\n");
  const Said said = say([&] { return prog_run(run); });
  EXPECT_EQ(said.code, kConfig);
  EXPECT_THAT(said.err, HasSubstr("has no variable 'limits'; did you mean 'limit'?"));

  run = run_of("answer");
  run.maps = write("cpus.yaml", "maps:\n  seen: {entries: [{key: 0, values: [40, 7]}]}\n");
  run.dump_maps = path("cpus.json");
  EXPECT_EQ(say([&] { return prog_run(run); }).code, kOk);
  EXPECT_EQ(json::parse(read("cpus.json"))["seen"],
            json::parse(R"([{"key":"00000000","value":["2900000000000000"]}])"));
  run.maps = write("shared.yaml", "maps:\n  answers: {entries: [{key: 0, values: [40]}]}\n");
  EXPECT_THAT(say([&] { return prog_run(run); }).err, HasSubstr("`values` belongs to per-CPU maps"));
}

TEST_F(Prog, RunWiresProgArraysAndDevmapsByTheFixture) {
  for (const char* engine : {"interp", "jit"}) {
    ProgRun run = run_of("jump");
    run.engine = engine;
    EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "pass") << "the slot is empty";
    run.maps = write("jump.yaml", "maps:\n  next: {entries: {1: mark}}\n");
    EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "tx");

    run = run_of("send");
    run.engine = engine;
    EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "drop") << "the slot is empty";
    run.maps = write("send.yaml", "maps:\n  ports: {entries: {2: 7}}\n");
    EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "redirect");
  }
}

TEST_F(Prog, RunFillsProgArraysAndMapsOfMapsAsTheObjectSays) {
  for (const char* engine : {"interp", "jit"}) {
    // Slot 16 leads to slot 1, which transmits; the first of them needs a map out of a map of maps.
    ProgRun run = run_of("entry");
    run.engine = engine;
    for (const char* object : {"iproute2.c14.o", "iproute2.c19.plain.o", "tail_tags.c19.o"}) {
      run.object = std::string(SLUICE_TEST_OBJECTS) + "/" + object;
      EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "tx") << object << " " << engine;
    }
    // A fixture has the last word.
    run.maps = write("other.yaml", "maps:\n  calls: {entries: {0: last}}\n");
    EXPECT_EQ(say([&] { return prog_run(run); }).parsed()["verdict"], "tx");
    run.maps = write("more.yaml", "maps:\n  calls: {max_entries: 2}\n");
    const Said said = say([&] { return prog_run(run); });
    EXPECT_EQ(said.code, kRejected);
    EXPECT_THAT(said.err, HasSubstr("map calls[3]: program last cannot be there: Argument list too long"));
  }
}

TEST_F(Prog, RunOfACapturePrintsALineAFrame) {
  for (const char* engine : {"interp", "jit"}) {
    ProgRun run = run_of("mark");
    run.engine = engine;
    run.data_in = write("in.pcap", capture({std::string(kFrame), "short", std::string(60, '\0')}));
    const Said said = say([&] { return prog_run(run); });
    EXPECT_EQ(said.code, kOk) << said.err;
    std::istringstream lines(said.out);
    std::vector<json> rows;
    for (std::string line; std::getline(lines, line);) rows.push_back(json::parse(line));
    ASSERT_EQ(rows.size(), 3U);
    // crc32 of 01000000 and the frame from its sixth byte, by python3 -c 'import zlib; ...'.
    EXPECT_EQ(rows[0],
              json::parse(R"({"n":1,"retval":3,"data_size_out":19,"data_meta":4,"data_out_crc32":3305193448})"));
    EXPECT_EQ(rows[1]["n"], 2);
    EXPECT_TRUE(rows[1]["retval"].is_null());
    EXPECT_EQ(rows[1]["error"], "shorter than 14 bytes");
    EXPECT_EQ(rows[2]["data_size_out"], 58);
  }
}

TEST_F(Prog, RunKeepsMapsFromFrameToFrameOfACapture) {
  ProgRun run = run_of("answer");
  run.data_in = write("in.pcap", capture({std::string(kFrame), std::string(kFrame)}));
  run.dump_maps = path("dump.json");
  EXPECT_EQ(say([&] { return prog_run(run); }).code, kOk);
  EXPECT_EQ(json::parse(read("dump.json"))["seen"][0]["value"][0], "0200000000000000");
}

TEST_F(Prog, RunOfADamagedCaptureSaysSo) {
  ProgRun run = run_of("answer");
  const std::string whole = capture({std::string(kFrame), std::string(kFrame)});
  run.data_in = write("cut.pcap", whole.substr(0, whole.size() - 5));
  const Said said = say([&] { return prog_run(run); });
  EXPECT_EQ(said.code, kEnvironment);
  EXPECT_THAT(said.out, HasSubstr("\"n\":1"));
  EXPECT_THAT(said.err, HasSubstr("cut.pcap"));
}

TEST_F(Prog, RunAsTextIsForPeople) {
  ProgRun run = run_of("mark");
  run.common.json = false;
  EXPECT_THAT(say([&] { return prog_run(run); }).out, HasSubstr("tx (3), 21 bytes in, 19 bytes out"));
  run.data_in = write("in.pcap", capture({std::string(kFrame), "short"}));
  EXPECT_THAT(say([&] { return prog_run(run); }).out, HasSubstr("not run: shorter than 14 bytes"));
}

TEST_F(Prog, RunRefusesWhatItCannotDo) {
  const auto refused = [&](int code, const std::string& text, const std::function<void(ProgRun&)>& change) {
    ProgRun run = run_of("mark");
    change(run);
    const Said said = say([&] { return prog_run(run); });
    EXPECT_EQ(said.code, code) << text;
    EXPECT_THAT(said.err, HasSubstr(text));
  };
  refused(kUsage, "unknown engine 'warp'", [](ProgRun& run) { run.engine = "warp"; });
  refused(kUsage, "'opt' is not built", [](ProgRun& run) { run.engine = "opt"; });
  refused(kUsage, "unknown frame model", [](ProgRun& run) { run.frame_model = "bsd"; });
  refused(kUsage, "name one", [](ProgRun& run) { run.program = ""; });
  refused(kRejected, "error[pkt-bounds]", [](ProgRun& run) { run.program = "careless"; });
  refused(kEnvironment, "absent", [&](ProgRun& run) { run.data_in = path("absent"); });
  refused(kEnvironment, "absent", [&](ProgRun& run) { run.data_out = path("absent/out"); });
  refused(kUsage, "shorter than 14 bytes", [&](ProgRun& run) { run.data_in = write("tiny", "tiny"); });
  refused(kUsage, "3520 bytes", [&](ProgRun& run) { run.data_in = write("big", std::string(4000, 'x')); });
  refused(kUsage, "takes one frame", [&](ProgRun& run) {
    run.data_in = write("in.pcap", capture({}));
    run.data_out = path("out");
  });
  refused(kConfig, "did you mean 'answers'?",
          [&](ProgRun& run) { run.maps = write("m.yaml", "maps:\n  answer: {entries: {1: 2}}\n"); });
  refused(kConfig, "m.yaml:2:", [&](ProgRun& run) { run.maps = write("m.yaml", "maps:\n  answers: {entriess: 1}\n"); });
  refused(kConfig, "holds no program 'nobody'",
          [&](ProgRun& run) { run.maps = write("m.yaml", "maps:\n  next: {entries: {1: nobody}}\n"); });
  refused(kRejected, "error[pkt-bounds]",
          [&](ProgRun& run) { run.maps = write("m.yaml", "maps:\n  next: {entries: {1: careless}}\n"); });
  refused(kConfig, "the entry is refused",
          [&](ProgRun& run) { run.maps = write("m.yaml", "maps:\n  ports: {entries: {9: 1}}\n"); });
}

// --- exec ---

Said exec_with(const std::string& program, const std::string& memory = "", const std::string& engine = "interp") {
  std::FILE* const file = std::tmpfile();
  std::fwrite(program.data(), 1, program.size(), file);
  std::rewind(file);
  const int saved = dup(0);
  dup2(fileno(file), 0);
  std::clearerr(stdin);
  const Said said = say([&] { return exec({.memory_hex = memory, .engine = engine}); });
  dup2(saved, 0);
  close(saved);
  std::fclose(file);
  return said;
}

TEST(ExecVerb, PrintsR0InHex) {
  for (const char* engine : {"interp", "jit"}) {
    const Said number = exec_with("b7 00 00 00 2a 00 00 00\n95 00 00 00 00 00 00 00\n", "", engine);
    EXPECT_EQ(number.code, kOk) << number.err;
    EXPECT_EQ(number.out, "2a\n");
    // r0 = *(u32 *)(r1 + 4)
    EXPECT_EQ(exec_with("6110040000000000 9500000000000000", "0011223344556677", engine).out, "77665544\n");
    // r0 = r2, the length
    EXPECT_EQ(exec_with("bf20000000000000 9500000000000000", "001122", engine).out, "3\n");
  }
}

TEST(ExecVerb, RunsSubprograms) {
  // call +1; exit; r0 = 7; exit
  EXPECT_EQ(exec_with("8510000001000000 9500000000000000 b700000007000000 9500000000000000").out, "7\n");
}

TEST(ExecVerb, RefusesUnsafePrograms) {
  const Said said = exec_with("6110050000000000 9500000000000000", "0011223344556677");
  EXPECT_EQ(said.code, kRejected);
  EXPECT_EQ(said.out, "");
  EXPECT_THAT(said.err, HasSubstr("error["));
}

TEST(ExecVerb, RefusesWhatIsNoProgram) {
  EXPECT_EQ(exec_with("xyz").code, kUsage);
  EXPECT_EQ(exec_with("").code, kUsage);
  EXPECT_EQ(exec_with("95000000").code, kUsage);
  EXPECT_EQ(exec_with("9500000000000000", "0").code, kUsage);
  EXPECT_EQ(exec_with("9500000000000000", "", "warp").code, kUsage);
}

}  // namespace
}  // namespace sluice::cli
