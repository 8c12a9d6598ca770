// `chain:` of a pipeline file: which programs run, in what order, and what comes out.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/pipeline/executor.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/run_config.h"
#include "tests/support/bpf_syscall.h"
#include "tests/unit/pipeline/loading.h"

namespace sluice::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint8_t kAborted = 0, kDrop = 1, kPass = 2, kTx = 3, kRedirect = 4;

std::string programs(std::initializer_list<std::string_view> names) {
  std::string text = "programs:\n";
  for (const std::string_view name : names) {
    text += fmt::format("  {}: {{object: \"{}\", function: {}}}\n", name, object("chain"), name);
  }
  return text;
}
std::string file(std::string_view chain, std::string_view more = "on_pass: b") {
  return programs({"first", "second", "third"}) +
         fmt::format("pipelines: {{main: {{chain: {}, {}}}}}\nattach: [{{ports: [a], ingress: main}}]\n", chain, more);
}

// What became of one frame: "b" or "drop", and the stages it saw.
struct Fate : FrameSink {
  const Pipeline& pipeline;
  std::string end;
  std::uint32_t verdict = 0;
  std::vector<std::string> stages;

  explicit Fate(const Pipeline& p) : pipeline(p) {}
  void note(const Passage& passage, std::string_view where) {
    end = where;
    verdict = passage.verdict;
    for (const std::uint16_t stage : passage.path) stages.push_back(pipeline.stage(stage).name);
  }
  vm::XdpContext* clone(const vm::XdpContext&) noexcept override { return nullptr; }
  void send(const Passage& passage, vm::XdpContext&, std::uint16_t port) noexcept override {
    note(passage, pipeline.ports()[port].name);
  }
  void drop(const Passage& passage, vm::XdpContext&, DropReason reason) noexcept override {
    note(passage, name(reason));
  }
};

// A frame in which program n (from 1) finds its verdict at byte n comes in by port a.
Fate run(const Pipeline& pipeline, std::array<std::uint8_t, 3> verdicts) {
  Fate fate(pipeline);
  Stats stats(pipeline.ports().size(), pipeline.stages());
  vm::ExecEnv env;
  Executor executor(pipeline, stats, env, fate, true);
  FrameBuffer buffer(FrameModel::kNative);
  std::vector<std::byte> bytes(60);
  std::memcpy(bytes.data() + 1, verdicts.data(), verdicts.size());
  vm::XdpContext frame;
  EXPECT_TRUE(buffer.load(bytes, false, frame));
  executor.run(0, std::span(&frame, 1));
  EXPECT_EQ(imbalance(stats), std::nullopt);
  return fate;
}

TEST(Chain, GoesOnAfterAVerdictOfContinueOnAndEndsWithAnyOther) {
  for (const Engine engine : {Engine::kInterp, Engine::kJit}) {
    const auto loading = load_text(file("[{program: first, continue_on: [drop, tx]}, "
                                        "{program: second, continue_on: [pass]}, {program: third, continue_on: []}]"),
                                   engine);
    ASSERT_TRUE(loading->pipeline) << loading->said();
    const Pipeline& pipeline = *loading->pipeline;
    EXPECT_THAT(run(pipeline, {kPass, kDrop, kDrop}).stages, ElementsAre("first"));
    EXPECT_EQ(run(pipeline, {kPass, kDrop, kDrop}).end, "b");
    EXPECT_EQ(run(pipeline, {kAborted, kPass, kPass}).end, "aborted");
    EXPECT_THAT(run(pipeline, {kDrop, kTx, kDrop}).stages, ElementsAre("first", "second"));
    EXPECT_EQ(run(pipeline, {kDrop, kTx, kDrop}).end, "a");
    EXPECT_THAT(run(pipeline, {kTx, kPass, kDrop}).stages, ElementsAre("first", "second", "third"));
    EXPECT_EQ(run(pipeline, {kTx, kPass, kDrop}).end, "program");
    EXPECT_EQ(run(pipeline, {kTx, kPass, kDrop}).verdict, kDrop);
    EXPECT_EQ(run(pipeline, {kTx, kPass, kRedirect}).end, "redirect_no_port");
  }
}

TEST(Chain, BehindTheLastProgramTheFramePasses) {
  const auto loading = load_text(file("[{program: first, continue_on: [drop]}]"));
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(run(*loading->pipeline, {kDrop, 0, 0}).end, "b");
  EXPECT_EQ(run(*loading->pipeline, {kTx, 0, 0}).end, "a");
}

TEST(Chain, TakesWhatTheObjectSaysWhereTheFileSaysNothing) {
  const auto loading = load_text(file("[first, second, third]"));
  ASSERT_TRUE(loading->pipeline) << loading->said();
  const std::vector<Link>& links = loading->pipeline->chains()[0].links;
  ASSERT_EQ(links.size(), 3U);
  constexpr std::uint32_t kAlways = 1U << 31;  // XDP_DISPATCHER_RETVAL
  EXPECT_EQ(links[0].continue_on, kAlways | 1U << kPass | 1U << kDrop);
  EXPECT_EQ(links[1].continue_on, kAlways | 1U << kTx);
  EXPECT_EQ(links[2].continue_on, kAlways | 1U << kPass);
  EXPECT_EQ(loading->said(), "") << "10, 20 and 50 are in order";
}

// What libxdp reads out of the same object: "Run prio: 10. Chain call actions: XDP_DROP,XDP_PASS".
std::string as_libxdp(const std::string& function) {
  const std::string command =
      "unshare -n xdp-loader load -v -m skb -n " + function + " lo " + object("chain") + " 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  std::string said;
  std::array<char, 256> line{};
  while (pipe != nullptr && std::fgets(line.data(), line.size(), pipe) != nullptr) {
    const std::string_view text(line.data());
    if (const std::size_t at = text.find("Run prio:"); at != std::string_view::npos) said = text.substr(at);
  }
  if (pipe != nullptr) pclose(pipe);
  if (!said.empty() && said.back() == '\n') said.pop_back();
  return said;
}

TEST(Chain, ReadsRunConfigurationsAsLibxdpDoes) {
  SLUICE_NEEDS_BPF();
  if (std::system("command -v xdp-loader >/dev/null 2>&1") != 0) GTEST_SKIP() << "xdp-loader is not installed";
  const auto loading = load_text(file("[first, second, third]"));
  ASSERT_TRUE(loading->pipeline) << loading->said();
  const auto btf = loading->pipeline->maps()[0].btf;
  constexpr std::array<std::string_view, 5> kNames = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"};
  for (const std::string function : {"first", "second", "third"}) {
    const RunConfig config = run_config(btf.get(), function);
    std::string actions;
    for (std::size_t v = 0; v < kNames.size(); ++v) {
      if ((config.continue_on >> v & 1U) != 0) actions += (actions.empty() ? "" : ",") + std::string(kNames[v]);
    }
    EXPECT_EQ(as_libxdp(function), fmt::format("Run prio: {}. Chain call actions: {}", config.priority, actions));
  }
}

TEST(Chain, WarnsWhereLibxdpWouldHaveAnotherOrder) {
  const auto loading = load_text(file("[second, first]"));
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_THAT(loading->said(), HasSubstr("first asks for priority 10, the one in front of it for 20"));
}

TEST(Chain, ProgramsSeeFramesInTheirOrder) {
  const auto loading = load_text(file("[first, {program: second, continue_on: []}]"));
  ASSERT_TRUE(loading->pipeline) << loading->said();
  const Pipeline& pipeline = *loading->pipeline;
  Fate fate(pipeline);
  Stats stats(pipeline.ports().size(), pipeline.stages());
  vm::ExecEnv env;
  Executor executor(pipeline, stats, env, fate, false);
  std::vector<FrameBuffer> buffers;
  std::array<vm::XdpContext, 2> frames;
  std::vector<std::byte> bytes(60, std::byte{kPass});
  for (vm::XdpContext& frame : frames) {
    buffers.emplace_back(FrameModel::kNative);
    ASSERT_TRUE(buffers.back().load(bytes, false, frame));
  }
  executor.run(0, frames);
  std::vector<std::uint32_t> order;
  for (const NamedMap& map : pipeline.maps()) {
    for (std::uint32_t key = 0; map.name == "order" && key < 5; ++key) {
      std::uint32_t value = 0;
      map.map->read(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<std::byte*>(&value));
      order.push_back(value);
    }
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 1, 2, 0)) << "not 1 1 2 2";
}

TEST(Chain, FramesThatPassNeedAPlace) {
  const std::string needed = "pipeline main: first can let frames pass";
  EXPECT_THAT(load_text(file("[{program: first, continue_on: [tx]}]", "on_aborted: drop"))->said(), HasSubstr(needed));
  EXPECT_THAT(load_text(file("[first, {program: second, continue_on: [pass]}]", "on_aborted: drop"))->said(),
              HasSubstr("second can let frames pass"));
}

TEST(Chain, LeavesByTheEgressOfAPort) {
  const std::string text =
      programs({"first", "second", "third"}) +
      "pipelines:\n"
      "  in: {entry: third, on_pass: b}\n"
      "  out: {chain: [{program: first, continue_on: [tx]}, {program: second, continue_on: [drop]}]}\n"
      "attach: [{ports: [a], ingress: in}, {ports: [b], egress: out}]\n";
  const auto loading = load_text(text);
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(run(*loading->pipeline, {kPass, kAborted, kPass}).end, "b");
  EXPECT_EQ(run(*loading->pipeline, {kTx, kDrop, kPass}).end, "b");
  EXPECT_EQ(run(*loading->pipeline, {kTx, kTx, kPass}).end, "egress_drop");
  EXPECT_THAT(run(*loading->pipeline, {kTx, kTx, kPass}).stages, ElementsAre("third", "first", "second"));
}

}  // namespace
}  // namespace sluice::pipeline
