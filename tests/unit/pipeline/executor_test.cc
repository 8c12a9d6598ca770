#include "dataplane/pipeline/executor.h"

#include <deque>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/pipeline/frame.h"
#include "tests/support/programs.h"
#include "tests/unit/pipeline/loading.h"
#include "vm/interpreter.h"
#include "vm/maps/cpumap.h"

namespace sluice::pipeline {
namespace {

using testing::ElementsAre;

// Writes down what happened: "0>b" = frame 0 sent to port b, "1!program" = frame 1 dropped.
class Notes : public FrameSink {
 public:
  explicit Notes(const Pipeline& pipeline) : pipeline_(pipeline), memory_(1U << 14) {}
  vm::XdpContext* clone(const vm::XdpContext& frame) noexcept override {
    copy_ = frame;
    const auto moved = [&](const std::byte* at) { return memory_.data() + (at - frame.hard_start); };
    std::copy(frame.hard_start, frame.data_end, memory_.data());
    copy_.hard_start = memory_.data();
    copy_.data_meta = moved(frame.data_meta);
    copy_.data = moved(frame.data);
    copy_.data_end = moved(frame.data_end);
    copy_.frame_end = moved(frame.frame_end);
    return &copy_;
  }
  void send(const Passage& passage, vm::XdpContext& /*frame*/, std::uint16_t port) noexcept override {
    seen.push_back(std::to_string(passage.index) + ">" + pipeline_.ports()[port].name + path(passage));
  }
  void drop(const Passage& passage, vm::XdpContext& /*frame*/, DropReason reason) noexcept override {
    seen.push_back(std::to_string(passage.index) + "!" + std::string(name(reason)) + path(passage));
  }
  std::vector<std::string> seen;

 private:
  std::string path(const Passage& passage) const {
    std::string text;
    for (const std::uint16_t stage : passage.path) text += " " + pipeline_.stage(stage).name;
    return text;
  }
  const Pipeline& pipeline_;
  std::vector<std::byte> memory_;
  vm::XdpContext copy_;
};

// Runs frames of 60 bytes, `queues[i]` being the rx_queue_index of frame i, in by port 0.
struct Outcome {
  std::vector<std::string> seen;
  Stats stats;
};
Outcome run(const Pipeline& pipeline, std::initializer_list<std::uint32_t> queues, std::uint16_t port = 0,
            bool paths = false, std::size_t size = 60) {
  Outcome outcome{.seen = {}, .stats = Stats(pipeline.ports().size(), pipeline.stages())};
  Notes notes(pipeline);
  vm::ExecEnv env;
  Executor executor(pipeline, outcome.stats, env, notes, paths);
  std::vector<FrameBuffer> buffers;
  std::vector<vm::XdpContext> frames(queues.size());
  const std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < queues.size(); ++i) {
    buffers.emplace_back(FrameModel::kNative);
    EXPECT_TRUE(buffers[i].load(bytes, false, frames[i]));
    frames[i].rx_queue_index = queues.begin()[i];
  }
  executor.run(port, frames);
  outcome.seen = std::move(notes.seen);
  EXPECT_EQ(imbalance(outcome.stats), std::nullopt);
  return outcome;
}

// A pipeline of one program out of text, attached to port a; ports a, b, c as load_text has them.
std::unique_ptr<Pipeline> of_asm(const std::string& text, std::int32_t on_pass = kNone) {
  auto program = testing_support::unverified(text, vm::xdp_type());
  auto runner = Runner::make(std::move(program), Engine::kInterp, helpers::table());
  EXPECT_TRUE(runner);
  Pipeline::Parts parts{
      .ports = {{.name = "a", .ifindex = 1, .ingress = 0}, {.name = "b", .ifindex = 2}, {.name = "c", .ifindex = 3}},
      .chains = {{.name = "main", .entry = 0, .on_pass = on_pass}}};
  const vm::ProgramSlot slot = runner->slot(0);
  parts.stages.push_back(std::make_unique<Stage>(Stage{.name = "only", .runner = std::move(*runner), .slot = slot}));
  return std::make_unique<Pipeline>(std::move(parts));
}

std::string returning(std::uint32_t verdict) { return "mov r0, " + std::to_string(verdict) + "\nexit\n"; }

TEST(Executor, EveryVerdictHasItsOutcome) {
  EXPECT_THAT(run(*of_asm(returning(0)), {0}).seen, ElementsAre("0!aborted"));
  EXPECT_THAT(run(*of_asm(returning(1)), {0}).seen, ElementsAre("0!program"));
  EXPECT_THAT(run(*of_asm(returning(2)), {0}).seen, ElementsAre("0!pass_drop"));
  EXPECT_THAT(run(*of_asm(returning(3)), {0}).seen, ElementsAre("0>a"));
  EXPECT_THAT(run(*of_asm(returning(4)), {0}).seen, ElementsAre("0!redirect_no_port"));
}

TEST(Executor, AnyOtherNumberIsAnInvalidVerdict) {
  for (const std::uint32_t number : {5U, 77U, 0x7fffffffU}) {
    const Outcome outcome = run(*of_asm(returning(number)), {0});
    EXPECT_THAT(outcome.seen, ElementsAre("0!invalid_verdict"));
    EXPECT_EQ(outcome.stats.ingress[0].verdicts[kInvalidVerdict], 1U);
  }
}

TEST(Executor, PassGoesWhereThePipelineSaysButNeverBack) {
  EXPECT_THAT(run(*of_asm(returning(2), 1), {0, 0}).seen, ElementsAre("0>b", "1>b"));
  EXPECT_THAT(run(*of_asm(returning(2), 0), {0}).seen, ElementsAre("0!pass_no_port"));
}

TEST(Executor, ProgramsFindTheSocketsOfTheFile) {
  for (const Engine engine : {Engine::kInterp, Engine::kJit}) {
    const auto loading = load_text("programs: {to_mark: {object: \"" + object("sockets") + R"("}}
pipelines: {main: {entry: to_mark, on_pass: drop}}
attach: [{ports: [a, b], ingress: main}]
sockets:
  - {protocol: tcp, local: "0.0.0.0:80", mark: 2}
  - {protocol: tcp, local: "0.0.0.0:81", mark: 3, port: b}
  - {protocol: tcp, local: "192.0.2.2:82", mark: 3}
)",
                                   engine);
    ASSERT_NE(loading->pipeline, nullptr) << loading->said();
    EXPECT_THAT(run(*loading->pipeline, {80, 81, 82}).seen, ElementsAre("0>b", "1!program", "2!program"));
    EXPECT_THAT(run(*loading->pipeline, {81}, 1).seen, ElementsAre("0>c"));
  }
}

TEST(Executor, APortWithoutPipelineDropsAndSaysSo) {
  const Outcome outcome = run(*of_asm(returning(3)), {0}, 1);
  EXPECT_THAT(outcome.seen, ElementsAre("0!no_pipeline"));
  EXPECT_EQ(outcome.stats.ports[1].rx_frames, 1U);
}

TEST(Executor, CountsFramesAndBytesAtBothEnds) {
  const Outcome outcome = run(*of_asm(returning(2), 1), {0, 0, 0});
  EXPECT_EQ(outcome.stats.ports[0].rx_frames, 3U);
  EXPECT_EQ(outcome.stats.ports[0].rx_bytes, 180U);
  EXPECT_EQ(outcome.stats.ports[1].tx_frames, 3U);
  EXPECT_EQ(outcome.stats.ports[1].tx_bytes, 180U);
  EXPECT_EQ(outcome.stats.ingress[0].runs, 3U);
}

TEST(Executor, RefusedFramesAreReceivedAndDropped) {
  const auto pipeline = of_asm(returning(3));
  Stats stats(3, 1);
  Notes notes(*pipeline);
  vm::ExecEnv env;
  Executor executor(*pipeline, stats, env, notes, false);
  executor.refuse(0, 13, DropReason::kTooShort);
  EXPECT_EQ(stats.rx(), 1U);
  EXPECT_EQ(stats.ports[0].rx_bytes, 13U);
  EXPECT_EQ(stats.dropped(DropReason::kTooShort), 1U);
  EXPECT_EQ(imbalance(stats), std::nullopt);
}

std::string config(const std::string& programs, const std::string& rest) {
  std::string text = "programs:\n";
  std::size_t at = 0;
  while (at < programs.size()) {
    const std::size_t end = std::min(programs.find(' ', at), programs.size());
    const std::string name = programs.substr(at, end - at);
    text += "  " + name + ": {object: \"" + object("stages") + "\", function: " + name + "}\n";
    at = end + 1;
  }
  return text + rest;
}

// A pipeline whose only program redirects by slot 1 of `map`, attached to port a; `second` is another stage, text of a
// program of type xdp/cpumap, which the map may have in its slot. On pass: port c.
struct Elsewhere {
  std::unique_ptr<Pipeline> pipeline;
  vm::ProgramSlot second;
};
Elsewhere to_map(const std::shared_ptr<vm::Map>& map, const std::string& second) {
  const std::string first = "lddw_map r1, 0\nmov r2, 1\nmov r3, 1\ncall redirect_map\nexit\n";
  Pipeline::Parts parts{
      .ports = {{.name = "a", .ifindex = 1, .ingress = 0}, {.name = "b", .ifindex = 2}, {.name = "c", .ifindex = 3}},
      .chains = {{.name = "main", .entry = 0, .on_pass = 2}}};
  vm::ProgramSlot slots[2];
  for (std::uint16_t i = 0; i < 2; ++i) {
    auto program = testing_support::unverified(testing_support::program_from_asm(
        i == 0 ? first : second, i == 0 ? vm::xdp_type() : vm::xdp_cpumap_type(), {map}));
    auto runner = Runner::make(std::move(program), Engine::kInterp, helpers::table());
    EXPECT_TRUE(runner);
    slots[i] = runner->slot(i);
    parts.stages.push_back(std::make_unique<Stage>(
        Stage{.name = i == 0 ? "first" : "second", .runner = std::move(*runner), .slot = slots[i]}));
  }
  return {std::make_unique<Pipeline>(std::move(parts)), slots[1]};
}
std::shared_ptr<vm::Map> map_with_slot(vm::MapType type, std::uint32_t value) {
  std::shared_ptr<vm::Map> map = std::move(*vm::make_map({.name = "to", .type = type, .max_entries = 2}, 2));
  const std::uint32_t key = 1;
  EXPECT_EQ(map->write(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<const std::byte*>(&value),
                       vm::UpdateMode::kAny),
            0);
  return map;
}

TEST(Executor, AFrameSentToACpuPassesThere) {
  const auto map = map_with_slot(vm::MapType::kCpumap, 64);
  const Elsewhere to = to_map(map, returning(2));
  const Outcome outcome = run(*to.pipeline, {0}, 0, true);
  EXPECT_THAT(outcome.seen, ElementsAre("0>c first"));
  EXPECT_EQ(outcome.stats.ingress[0].verdicts[4], 1U);
}

TEST(Executor, TheProgramOfACpumapEntryDecides) {
  const auto map = map_with_slot(vm::MapType::kCpumap, 64);
  const auto with = [&](const std::string& second) {
    const Elsewhere to = to_map(map, second);
    EXPECT_EQ(dynamic_cast<vm::Cpumap&>(*map).attach(1, &to.second), 0);
    return run(*to.pipeline, {0}, 0, true).seen;
  };
  EXPECT_THAT(with(returning(0)), ElementsAre("0!cpumap_drop first second"));
  EXPECT_THAT(with(returning(1)), ElementsAre("0!cpumap_drop first second"));
  EXPECT_THAT(with(returning(2)), ElementsAre("0>c first second"));
  EXPECT_THAT(with(returning(3)), ElementsAre("0!cpumap_drop first second")) << "there is no XDP_TX there";
  EXPECT_THAT(with(returning(4)), ElementsAre("0!redirect_no_port first second"));
  EXPECT_THAT(with("mov r1, 2\nmov r2, 0\ncall redirect\nexit"), ElementsAre("0>b first second"));
  EXPECT_THAT(with("lddw_map r1, 0\nmov r2, 1\nmov r3, 1\ncall redirect_map\nexit"),
              ElementsAre("0!cpumap_drop first second"))
      << "not from CPU to CPU for ever";
}

TEST(Executor, OnlyWhoStandsForAllCpusTakesTheirNumber) {
  const auto map = map_with_slot(vm::MapType::kCpumap, 64);
  const Elsewhere to = to_map(map, "call get_smp_processor_id\nadd r0, 1\nexit");  // CPU 1 passes, CPU 0 drops
  ASSERT_EQ(dynamic_cast<vm::Cpumap&>(*map).attach(1, &to.second), 0);
  for (const bool all : {false, true}) {
    Stats stats(3, 2);
    Notes notes(*to.pipeline);
    vm::ExecEnv env;
    Executor executor(*to.pipeline, stats, env, notes, false);
    if (all) executor.stand_for_all_cpus();
    FrameBuffer buffer(FrameModel::kNative);
    std::vector<vm::XdpContext> frames(1);
    ASSERT_TRUE(buffer.load(std::vector<std::byte>(60), false, frames[0]));
    executor.run(0, frames);
    EXPECT_THAT(notes.seen, ElementsAre(all ? "0>c" : "0!cpumap_drop"));
    EXPECT_EQ(env.cpu, 0U);
    EXPECT_EQ(imbalance(stats), std::nullopt);
  }
}

// A sink with room for `room` frames that another CPU is to run; `open`: somebody takes frames for that CPU.
class Elsewhen : public Notes {
 public:
  Elsewhen(const Pipeline& pipeline, std::size_t room, bool open = true) : Notes(pipeline), room_(room), open_(open) {}
  HandOver hand_over(const Handed& handed, vm::XdpContext& frame) noexcept override {
    if (!open_) return HandOver::kNoWorker;
    if (waiting.size() == room_) return HandOver::kFull;
    waiting.push_back(frame);
    from.push_back(handed);
    return HandOver::kTaken;
  }
  std::vector<vm::XdpContext> waiting;
  std::vector<Handed> from;

 private:
  std::size_t room_;
  bool open_;
};

// Two workers: frames that come in by port a at the first are handed to the second.
struct TwoWorkers {
  TwoWorkers(const Pipeline& pipeline, std::size_t room, bool open = true)
      : notes(pipeline, room, open),
        first(pipeline, stats[0], env[0], notes, true),
        second(pipeline, stats[1], env[1], notes, true) {}
  // What the first did with so many frames.
  std::vector<std::string> receive(unsigned count) {
    std::vector<vm::XdpContext> frames(count);
    for (vm::XdpContext& frame : frames) {
      buffers.emplace_back(FrameModel::kNative);
      EXPECT_TRUE(buffers.back().load(std::vector<std::byte>(60), false, frame));
      frame.rx_queue_index = 7;
    }
    first.run(0, frames);
    return std::exchange(notes.seen, {});
  }
  // And the second with those that wait.
  std::vector<std::string> run_waiting() {
    for (const Handed& one : notes.from) EXPECT_EQ(one, notes.from.front());
    if (!notes.waiting.empty()) second.run_handed(notes.from.front(), notes.waiting);
    notes.waiting.clear();
    return std::exchange(notes.seen, {});
  }
  Stats sum() const {
    Stats all = stats[0];
    all += stats[1];
    return all;
  }
  Stats stats[2] = {Stats(3, 2), Stats(3, 2)};
  vm::ExecEnv env[2] = {{.cpu = 0}, {.cpu = 1, .worker = 1}};
  Elsewhen notes;
  Executor first, second;
  std::deque<FrameBuffer> buffers;
};

TEST(HandOver, AFrameIsInFlightUntilTheOtherWorkerHasRunIt) {
  const auto map = map_with_slot(vm::MapType::kCpumap, 64);
  const Elsewhere to = to_map(map, "call get_smp_processor_id\nadd r0, 1\nexit");  // CPU 1 passes, CPU 0 drops
  ASSERT_EQ(dynamic_cast<vm::Cpumap&>(*map).attach(1, &to.second), 0);
  TwoWorkers two(*to.pipeline, 8);
  EXPECT_THAT(two.receive(2), ElementsAre());
  EXPECT_EQ(two.stats[0].rx(), 2U);
  EXPECT_EQ(two.sum().tx() + two.sum().dropped(), 0U);
  EXPECT_THAT(two.notes.from, ElementsAre(Handed{.port = 0, .stage = 1}, Handed{.port = 0, .stage = 1}));
  EXPECT_EQ(two.notes.waiting[0].redirect.map, map.get());
  EXPECT_EQ(two.notes.waiting[0].redirect.ifindex, 1U);
  EXPECT_THAT(two.run_waiting(), ElementsAre("0>c second", "1>c second"));
  EXPECT_EQ(two.stats[1].rx(), 0U);
  EXPECT_EQ(two.stats[1].ports[2].tx_frames, 2U);
  EXPECT_EQ(two.stats[1].egress[1].runs, 2U);
  EXPECT_EQ(two.stats[0].egress[1].runs, 0U);
  EXPECT_EQ(imbalance(two.sum()), std::nullopt);
}

TEST(HandOver, WithoutAProgramTheFramePassesAtTheOtherWorker) {
  const auto map = map_with_slot(vm::MapType::kCpumap, 64);
  const Elsewhere to = to_map(map, returning(1));
  TwoWorkers two(*to.pipeline, 8);
  EXPECT_THAT(two.receive(1), ElementsAre());
  EXPECT_THAT(two.notes.from, ElementsAre(Handed{.port = 0, .stage = kNone}));
  EXPECT_THAT(two.run_waiting(), ElementsAre("0>c"));
  EXPECT_EQ(imbalance(two.sum()), std::nullopt);
}

TEST(HandOver, TheProgramDecidesAsIfItRanAtOnce) {
  const auto with = [](const std::string& second) {
    const auto map = map_with_slot(vm::MapType::kCpumap, 64);
    const Elsewhere to = to_map(map, second);
    EXPECT_EQ(dynamic_cast<vm::Cpumap&>(*map).attach(1, &to.second), 0);
    TwoWorkers two(*to.pipeline, 8);
    EXPECT_THAT(two.receive(1), ElementsAre());
    auto seen = two.run_waiting();
    EXPECT_EQ(imbalance(two.sum()), std::nullopt);
    return seen;
  };
  EXPECT_THAT(with(returning(0)), ElementsAre("0!cpumap_drop second"));
  EXPECT_THAT(with(returning(1)), ElementsAre("0!cpumap_drop second"));
  EXPECT_THAT(with(returning(2)), ElementsAre("0>c second"));
  EXPECT_THAT(with(returning(3)), ElementsAre("0!cpumap_drop second"));
  EXPECT_THAT(with(returning(4)), ElementsAre("0!redirect_no_port second")) << "what it asked for before is forgotten";
  EXPECT_THAT(with(returning(77)), ElementsAre("0!cpumap_drop second"));
  EXPECT_THAT(with("mov r1, 2\nmov r2, 0\ncall redirect\nexit"), ElementsAre("0>b second"));
  EXPECT_THAT(with("lddw_map r1, 0\nmov r2, 1\nmov r3, 1\ncall redirect_map\nexit"),
              ElementsAre("0!cpumap_drop second"));
  // rx_queue_index at offset 16 of struct xdp_md, ingress_ifindex at 12.
  EXPECT_THAT(with("ldxw r2, [r1+16]\nldxw r0, [r1+12]\nadd r0, r2\nadd r0, 1\nexit"), ElementsAre("0>c second"));
}

TEST(HandOver, WhatFindsNoRoomOrNobodyIsDroppedByTheSender) {
  const auto map = map_with_slot(vm::MapType::kCpumap, 64);
  const Elsewhere to = to_map(map, returning(2));
  TwoWorkers two(*to.pipeline, 2);
  EXPECT_THAT(two.receive(3), ElementsAre("2!cpumap_full first"));
  EXPECT_EQ(two.stats[0].dropped(DropReason::kCpumapFull), 1U);
  EXPECT_THAT(two.run_waiting(), ElementsAre("0>c", "1>c"));
  EXPECT_EQ(imbalance(two.sum()), std::nullopt);

  TwoWorkers nobody(*to.pipeline, 2, false);
  EXPECT_THAT(nobody.receive(1), ElementsAre("0!cpumap_no_worker first"));
  EXPECT_EQ(imbalance(nobody.sum()), std::nullopt);
}

TEST(Executor, AFrameSentToASocketLeavesByItsPort) {
  EXPECT_THAT(run(*to_map(map_with_slot(vm::MapType::kXskmap, 2), returning(2)).pipeline, {0}).seen,
              ElementsAre("0>b"));
  EXPECT_THAT(run(*to_map(map_with_slot(vm::MapType::kXskmap, 9), returning(2)).pipeline, {0}).seen,
              ElementsAre("0!redirect_no_port"));
}

class Redirects : public testing::TestWithParam<Engine> {};

TEST_P(Redirects, GoToThePortOfTheDevmapEntry) {
  const auto loading = load_text(config("send",
                                        "pipelines: {main: {entry: send, on_pass: drop}}\n"
                                        "attach: [{ports: [a], ingress: main}]\n"
                                        "maps: {ports: {entries: {0: b, 1: a}}}\n"),
                                 GetParam());
  ASSERT_TRUE(loading->pipeline) << loading->said();
  // Slot 2 is empty: the helper's default verdict is XDP_DROP.
  EXPECT_THAT(run(*loading->pipeline, {0, 1, 2, 9}).seen, ElementsAre("0>b", "1>a", "2!program", "3!program"));
}

TEST_P(Redirects, ToAnIfindexThatIsNoPortAreDropped) {
  const std::string rest =
      "pipelines: {main: {entry: to_target, on_pass: drop}}\nattach: [{ports: [a], ingress: main}]\n";
  const auto to = [&](const std::string& target) {
    const auto loading = load_text("programs: {to_target: {object: \"" + object("stages") +
                                       "\", function: to_target, globals: {target: " + target + "}}}\n" + rest,
                                   GetParam());
    EXPECT_TRUE(loading->pipeline) << loading->said();
    return loading->pipeline ? run(*loading->pipeline, {0}).seen : std::vector<std::string>{};
  };
  EXPECT_THAT(to("c"), ElementsAre("0>c"));
  EXPECT_THAT(to("0"), ElementsAre("0!redirect_no_port"));
  EXPECT_THAT(to("4294967295"), ElementsAre("0!redirect_no_port"));
}

TEST_P(Redirects, LongerThanTheMtuOfThePortAreDropped) {
  const auto loading = load_text(config("send",
                                        "pipelines: {main: {entry: send, on_pass: drop}}\n"
                                        "attach: [{ports: [a], ingress: main}]\n"
                                        "maps: {ports: {entries: {0: b}}}\n"),
                                 GetParam());
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_THAT(run(*loading->pipeline, {0}, 0, false, 1518).seen, ElementsAre("0>b"));
  EXPECT_THAT(run(*loading->pipeline, {0}, 0, false, 1519).seen, ElementsAre("0!redirect_too_long"));
}

TEST_P(Redirects, DevmapProgramsRunOnTheWayOut) {
  const auto loading = load_text(config("send on_the_way",
                                        "pipelines: {main: {entry: send, on_pass: drop}}\n"
                                        "attach: [{ports: [a], ingress: main}]\n"
                                        "maps: {ports: {entries: ["
                                        "{key: 0, value: b, program: on_the_way}, "
                                        "{key: 1, value: c, program: on_the_way}]}}\n"),
                                 GetParam());
  ASSERT_TRUE(loading->pipeline) << loading->said();
  const Outcome outcome = run(*loading->pipeline, {0, 1}, 0, true);
  EXPECT_THAT(outcome.seen, ElementsAre("0>b send on_the_way", "1!devmap_drop send on_the_way"));
  EXPECT_EQ(outcome.stats.egress[1].runs, 2U);
  EXPECT_EQ(outcome.stats.ingress[1].runs, 0U);
}

TEST_P(Redirects, BroadcastsGoToAllButTheIngressPort) {
  const auto loading = load_text(config("flood on_the_way",
                                        "pipelines: {main: {entry: flood, on_pass: drop}}\n"
                                        "attach: [{ports: [a, b, c], ingress: main}]\n"
                                        "maps: {ports: {entries: ["
                                        "{key: 0, value: a}, {key: 1, value: b}, "
                                        "{key: 2, value: c, program: on_the_way}]}}\n"),
                                 GetParam());
  ASSERT_TRUE(loading->pipeline) << loading->said();
  const Outcome from_a = run(*loading->pipeline, {0}, 0, true);
  EXPECT_THAT(from_a.seen, ElementsAre("0>b flood", "0!devmap_drop flood on_the_way"));
  EXPECT_EQ(from_a.stats.clones, 1U);
  const Outcome from_c = run(*loading->pipeline, {0, 0}, 2);
  EXPECT_THAT(from_c.seen, ElementsAre("0>a", "0>b", "1>a", "1>b"));
  EXPECT_EQ(from_c.stats.clones, 2U);
}

TEST_P(Redirects, ABroadcastThatReachesNobodyIsADrop) {
  const auto loading = load_text(config("flood",
                                        "pipelines: {main: {entry: flood, on_pass: drop}}\n"
                                        "attach: [{ports: [a], ingress: main}]\n"
                                        "maps: {ports: {entries: {0: a}}}\n"),
                                 GetParam());
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_THAT(run(*loading->pipeline, {0}).seen, ElementsAre("0!redirect_no_port"));
}

TEST_P(Redirects, EgressPipelinesSeeThePortTheFrameLeavesBy) {
  const auto loading = load_text(config("send on_the_way",
                                        "pipelines: {main: {entry: send, on_pass: drop}, out: {entry: on_the_way}}\n"
                                        "attach: [{ports: [a], ingress: main}, {ports: [b, c], egress: out}]\n"
                                        "maps: {ports: {entries: {0: b, 1: c}}}\n"),
                                 GetParam());
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_THAT(run(*loading->pipeline, {0, 1}, 0, true).seen,
              ElementsAre("0>b send on_the_way", "1!egress_drop send on_the_way"));
}

TEST_P(Redirects, TailCallsCountTheStagesOnTheWay) {
  const auto loading =
      load_text(config("entry last",
                       "pipelines: {main: {entry: entry, tail_calls: {jumps: {SLOT_B: last}}, on_pass: b}}\n"
                       "attach: [{ports: [a], ingress: main}]\n"),
                GetParam());
  ASSERT_TRUE(loading->pipeline) << loading->said();
  const Outcome outcome = run(*loading->pipeline, {0, 0}, 0, true);
  EXPECT_THAT(outcome.seen, ElementsAre("0>b entry last", "1>b entry last"));
  EXPECT_EQ(outcome.stats.ingress[0].runs, 2U);
  EXPECT_EQ(outcome.stats.ingress[0].verdicts[2], 0U);
  EXPECT_EQ(outcome.stats.ingress[1].verdicts[2], 2U);
}

INSTANTIATE_TEST_SUITE_P(Engines, Redirects, testing::Values(Engine::kInterp, Engine::kJit),
                         [](const auto& p) { return std::string(engine_name(p.param)); });

}  // namespace
}  // namespace sluice::pipeline
