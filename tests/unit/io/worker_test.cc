#include "dataplane/io/worker.h"

#include <chrono>
#include <thread>

#include <rte_ethdev.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/io/plan.h"
#include "tests/unit/io/support.h"
#include "vm/maps/cpumap.h"

namespace sluice::io {
namespace {

using pipeline::DropReason;
using testing::ElementsAre;

constexpr const char* kPass = "mov r0, 2\nexit\n";
constexpr const char* kTx = "mov r0, 3\nexit\n";
constexpr const char* kDrop = "mov r0, 1\nexit\n";

Ring make_ring(unsigned size = 64) {
  static int number = 0;
  return Ring(rte_ring_create(("ring" + std::to_string(number++)).c_str(), size, SOCKET_ID_ANY, 0));
}

std::vector<rte_mbuf*> taken(rte_ring* ring) {
  std::vector<rte_mbuf*> frames;
  void* frame = nullptr;
  while (rte_ring_dequeue(ring, &frame) == 0) frames.push_back(static_cast<rte_mbuf*>(frame));
  return frames;
}

// A worker without devices: frames come over a ring from another worker, and leave over rings to the owners of ports.
class Alone {
 public:
  explicit Alone(const std::string& program, unsigned out_size = 64, const testing_support::Maps& maps = {})
      : pipeline_(pipeline_of(program, maps)),
        in_(make_ring()),
        out_a_(make_ring(out_size)),
        out_b_(make_ring(out_size)) {
    WorkerPlan plan;
    plan.outlets = {{.ring = out_a_.get(), .longest = 1522, .down = &down_},
                    {.ring = out_b_.get(), .longest = 1522, .down = &down_}};
    plan.from_workers = {in_.get()};
    worker_ = std::make_unique<Worker>(*pipeline_, std::move(plan), halt_, 1);
  }
  ~Alone() {
    for (rte_ring* ring : {out_a_.get(), out_b_.get()}) {
      for (rte_mbuf* frame : taken(ring)) rte_pktmbuf_free(frame);
    }
  }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;
  void give(rte_mbuf* frame) {
    note(*frame) = {.port = 0, .queue = 5};
    ASSERT_EQ(rte_ring_enqueue(in_.get(), frame), 0);
  }
  std::vector<rte_mbuf*> sent_to_a() { return taken(out_a_.get()); }
  std::vector<rte_mbuf*> sent_to_b() { return taken(out_b_.get()); }
  Worker& worker() { return *worker_; }
  std::atomic<bool>& down() { return down_; }

 private:
  std::unique_ptr<pipeline::Pipeline> pipeline_;
  Ring in_, out_a_, out_b_;
  std::atomic<bool> down_{false};
  Halt halt_{1};
  std::unique_ptr<Worker> worker_;
};

std::uint64_t dropped(const Worker& worker, DropReason reason) { return worker.stats().dropped(reason); }

TEST(Worker, FramesOfOtherWorkersRunAndGoWhereTheProgramSays) {
  const TestPool pool(64);
  Alone pass(kPass);
  for (int i = 0; i < 40; ++i) pass.give(pool.frame(60));
  EXPECT_EQ(pass.worker().round(), 32U);
  EXPECT_EQ(pass.worker().round(), 8U);
  EXPECT_EQ(pass.worker().round(), 0U);
  const auto sent = pass.sent_to_b();
  EXPECT_EQ(sent.size(), 40U);
  for (rte_mbuf* frame : sent) rte_pktmbuf_free(frame);
  EXPECT_EQ(pass.worker().stats().ports[0].rx_frames, 40U);
  EXPECT_EQ(pass.worker().stats().ports[0].rx_bytes, 2400U);
  EXPECT_EQ(pass.worker().stats().ports[1].tx_frames, 0U) << "the owner of the queue counts what it sends";

  Alone drop(kDrop);
  drop.give(pool.frame(60));
  drop.worker().round();
  EXPECT_EQ(dropped(drop.worker(), DropReason::kProgram), 1U);
  EXPECT_EQ(pipeline::imbalance(drop.worker().stats()), std::nullopt);
}

TEST(Worker, ProgramsSeeTheQueueAFrameCameInBy) {
  const TestPool pool(8);
  // rx_queue_index is at offset 16 of struct xdp_md: XDP_TX when it is 5.
  Alone one("ldxw r1, [r1+16]\nmov r0, 1\njne r1, 5, +1\nmov r0, 3\nexit\n");
  one.give(pool.frame(60));
  one.worker().round();
  const auto sent = one.sent_to_a();
  EXPECT_EQ(sent.size(), 1U);
  for (rte_mbuf* frame : sent) rte_pktmbuf_free(frame);
}

// The frame arms a timer for 2 ms later, which adds 1 to its value: not before, and without another frame.
TEST(Worker, TimersRunBetweenBursts) {
  const TestPool pool(8);
  const std::shared_ptr<vm::Map> map =
      std::move(*vm::make_map({.name = "timed", .value_size = 24, .max_entries = 1, .special = {.timer = 8}}, 1));
  Alone one(R"(
      lddw_map_value r6, 0, 0
      mov r1, r6
      add r1, 8
      lddw_map r2, 0
      mov r3, 1
      call 169
      mov r1, r6
      add r1, 8
      lddw_code r2, expired
      call 170
      mov r1, r6
      add r1, 8
      mov r2, 2000000
      mov r3, 0
      call 171
      mov r0, 1
      exit
    expired:
      ldxdw r1, [r3+0]
      add r1, 1
      stxdw [r3+0], r1
      mov r0, 0
      exit
  )",
            64, {map});
  const std::uint32_t first = 0;
  const auto& calls =
      *reinterpret_cast<const std::uint64_t*>(map->lookup(reinterpret_cast<const std::byte*>(&first), 0));
  const auto start = std::chrono::steady_clock::now();
  one.give(pool.frame(60));
  EXPECT_EQ(one.worker().round(), 1U);
  unsigned ran = 0;
  while (ran == 0 && std::chrono::steady_clock::now() - start < std::chrono::seconds(10)) ran = one.worker().round();
  EXPECT_EQ(ran, 1U);
  EXPECT_EQ(calls, 1U);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(2));
  EXPECT_EQ(one.worker().round(), 0U);
}

TEST(Worker, AFullRingToThePortsOwnerIsTxFull) {
  const TestPool pool(64);
  Alone one(kTx, 8);  // a ring of 8 holds 7
  for (int i = 0; i < 20; ++i) one.give(pool.frame(60));
  one.worker().round();
  EXPECT_EQ(dropped(one.worker(), DropReason::kTxFull), 13U);
  const auto sent = one.sent_to_a();
  EXPECT_EQ(sent.size(), 7U);
  for (rte_mbuf* frame : sent) rte_pktmbuf_free(frame);
}

TEST(Worker, FramesForAPortThatIsGoneAreCounted) {
  const TestPool pool(8);
  Alone one(kTx);
  one.down().store(true);
  one.give(pool.frame(60));
  one.worker().round();
  EXPECT_EQ(dropped(one.worker(), DropReason::kPortDown), 1U);
  EXPECT_EQ(pipeline::imbalance(one.worker().stats()), std::nullopt);
}

TEST(Worker, FramesLongerThanThePortTakesAreCounted) {
  const TestPool pool(8);
  Alone one(kTx);
  one.give(pool.frame(1522));
  one.give(pool.frame(1523));
  one.worker().round();
  EXPECT_EQ(dropped(one.worker(), DropReason::kTxTooLong), 1U);
  const auto sent = one.sent_to_a();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0]->data_len, 1522);
  rte_pktmbuf_free(sent[0]);
}

// Workers without devices that hand frames to each other by a CPUMAP: what the first program redirects to CPU n, n
// being the frame's first byte, worker n runs on. Frames come in over a ring each; what leaves by port b does over one
// for all.
class Together {
 public:
  Together(unsigned workers, std::uint32_t waiting, const std::string& on_cpu)
      : map_(cpumap_of(workers, waiting)),
        pipeline_(pipeline_of("ldxw r2, [r1+0]\nldxb r2, [r2+0]\nlddw_map r1, 0\nmov r3, 0\ncall redirect_map\nexit\n",
                              {map_}, on_cpu)),
        halt_(workers),
        out_(make_ring(4096)) {
    for (std::uint32_t cpu = 0; cpu < workers; ++cpu) {
      EXPECT_EQ(dynamic_cast<vm::Cpumap&>(*map_).attach(cpu, &pipeline_->stage(1).slot), 0);
    }
    EXPECT_TRUE(make_rings(rings_, {}, cpu_entries(*pipeline_, workers), workers));
    for (WorkerPlan& plan : plan_workers({}, rings_, workers)) {
      in_.push_back(make_ring(2048));
      plan.from_workers = {in_.back().get()};
      for (int port = 0; port < 2; ++port) {
        plan.outlets.push_back({.ring = out_.get(), .longest = 1522, .down = &down_});
      }
      workers_.push_back(std::make_unique<Worker>(*pipeline_, std::move(plan), halt_, 1));
    }
  }
  // To be received by worker `at` and to be run on by worker `to`.
  void give(unsigned at, unsigned to, rte_mbuf* frame) {
    note(*frame) = {.port = 0, .queue = 5};
    *rte_pktmbuf_mtod(frame, std::uint8_t*) = static_cast<std::uint8_t>(to);
    ASSERT_EQ(rte_ring_enqueue(in_[at].get(), frame), 0);
  }
  std::vector<rte_mbuf*> sent() { return taken(out_.get()); }
  Worker& operator[](std::size_t worker) { return *workers_[worker]; }
  Halt& halt() { return halt_; }
  pipeline::Stats sum() const {
    pipeline::Stats all = workers_[0]->stats();
    for (std::size_t i = 1; i < workers_.size(); ++i) all += workers_[i]->stats();
    return all;
  }

 private:
  std::shared_ptr<vm::Map> map_;
  std::unique_ptr<pipeline::Pipeline> pipeline_;
  std::atomic<bool> down_{false};
  Halt halt_;
  Rings rings_;
  Ring out_;
  std::vector<Ring> in_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// Writes the number of the CPU it runs on into the frame's second byte.
constexpr const char* kSign = R"(
    ldxw r6, [r1+0]
    call get_smp_processor_id
    stxb [r6+1], r0
    mov r0, 2
    exit
)";

TEST(Cpumap, TheWorkerOfTheEntryRunsTheFramesInOrder) {
  const TestPool pool(128);
  Together two(2, 64, kSign);
  for (std::uint16_t i = 0; i < 40; ++i) two.give(0, 1, pool.frame(static_cast<std::uint16_t>(60 + i)));
  EXPECT_EQ(two[1].round(), 0U);
  EXPECT_EQ(two[0].round() + two[0].round(), 40U);
  EXPECT_TRUE(two.sent().empty());
  EXPECT_EQ(two[0].stats().rx(), 40U);
  EXPECT_EQ(two[0].stats().tx() + two[0].stats().dropped(), 0U);
  EXPECT_EQ(two[1].round(), 32U);
  EXPECT_EQ(two[1].round(), 8U);
  EXPECT_EQ(two[1].round(), 0U);
  const auto sent = two.sent();
  ASSERT_EQ(sent.size(), 40U);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i]->data_len, 60U + i);
    EXPECT_EQ(content(*sent[i])[1], 1U);
    rte_pktmbuf_free(sent[i]);
  }
  EXPECT_EQ(two[0].stats().egress[1].runs, 0U);
  EXPECT_EQ(two[1].stats().egress[1].runs, 40U);
}

TEST(Cpumap, AWorkerHandsFramesToItselfAsToOthers) {
  const TestPool pool(8);
  Together one(1, 64, kSign);
  one.give(0, 0, pool.frame(60));
  EXPECT_EQ(one[0].round(), 2U);
  for (rte_mbuf* frame : one.sent()) {
    EXPECT_EQ(content(*frame)[1], 0U);
    rte_pktmbuf_free(frame);
  }
  EXPECT_EQ(one[0].stats().egress[1].runs, 1U);
}

TEST(Cpumap, NoMoreFramesWaitThanTheEntrySays) {
  const TestPool pool(16);
  Together two(2, 5, "mov r0, 1\nexit\n");
  for (int i = 0; i < 12; ++i) two.give(0, 1, pool.frame(60));
  two[0].round();
  EXPECT_EQ(dropped(two[0], DropReason::kCpumapFull), 7U);
  EXPECT_EQ(two[1].round(), 5U);
  EXPECT_EQ(dropped(two[1], DropReason::kCpumapDrop), 5U);
  EXPECT_EQ(pipeline::imbalance(two.sum()), std::nullopt);
}

TEST(Cpumap, AnEntryThatWasNotThereAtTheStartHasNoWorker) {
  const TestPool pool(8);
  Alone one("lddw_map r1, 0\nmov r2, 0\nmov r3, 0\ncall redirect_map\nexit\n", 64, {cpumap_of(1, 8)});
  one.give(pool.frame(60));
  one.worker().round();
  EXPECT_EQ(dropped(one.worker(), DropReason::kCpumapNoWorker), 1U);
  EXPECT_EQ(pipeline::imbalance(one.worker().stats()), std::nullopt);
}

// Told to stop with their rings full of frames, workers lose none: all leave or are counted.
TEST(Cpumap, WorkersThatStopWorkOffWhatTheyHandedToEachOther) {
  const TestPool pool(4096, 128);
  constexpr unsigned kWorkers = 3;
  for (const std::uint32_t waiting : {8U, 1024U}) {
    Together all(kWorkers, waiting, kSign);
    for (unsigned i = 0; i < 3000; ++i) {
      all.give(i % kWorkers, i / kWorkers % kWorkers, pool.frame(static_cast<std::uint16_t>(60 + i % 64)));
    }
    std::vector<std::thread> threads;
    all.halt().requested.store(waiting == 8, std::memory_order_relaxed);
    for (unsigned i = 0; i < kWorkers; ++i) threads.emplace_back([&all, i] { all[i].run(); });
    all.halt().requested.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads) thread.join();
    const auto sent = all.sent();
    for (rte_mbuf* frame : sent) {
      EXPECT_EQ(content(*frame)[0], content(*frame)[1]) << "run by the worker it was redirected to";
      rte_pktmbuf_free(frame);
    }
    const pipeline::Stats sum = all.sum();
    EXPECT_EQ(sum.rx(), 3000U);
    EXPECT_EQ(sum.dropped(), sum.dropped(DropReason::kCpumapFull));
    EXPECT_EQ(sent.size() + sum.dropped(), 3000U);
    EXPECT_EQ(sum.egress[1].runs, sent.size());
    EXPECT_EQ(sum.dropped() == 0, waiting == 1024);
  }
}

// A worker on a net_ring device, whose transmit queue feeds its own receive queue: what is put in comes out again.
class OnRing {
 public:
  OnRing(const std::string& program, const TestPool& pool, bool partial_checksums = false)
      : pipeline_(pipeline_of(program)), port_(open(pool)) {
    WorkerPlan plan;
    plan.inlets = {{.port = 0,
                    .device = port_.device(),
                    .longest = port_.longest(),
                    .partial_checksums = partial_checksums,
                    .down = &port_.down()}};
    for (int i = 0; i < 2; ++i) {
      plan.outlets.push_back({.device = port_.device(), .longest = port_.longest(), .down = &port_.down()});
    }
    worker_ = std::make_unique<Worker>(*pipeline_, std::move(plan), halt_, 1);
  }
  void put(rte_mbuf* frame) { ASSERT_EQ(rte_eth_tx_burst(port_.device(), 0, &frame, 1), 1); }
  std::vector<rte_mbuf*> take() {
    std::vector<rte_mbuf*> frames(64);
    frames.resize(rte_eth_rx_burst(port_.device(), 0, frames.data(), 64));
    return frames;
  }
  Worker& worker() { return *worker_; }
  Halt& halt() { return halt_; }

 private:
  static Port open(const TestPool& pool) {
    static unsigned number = 0;
    config::Port config;
    config.name.value = "a";
    config.driver.value = "ring";
    auto device = device_of(config, number++, 1);
    EXPECT_TRUE(device);
    auto port = Port::open(config, *device);
    EXPECT_TRUE(port) << port.error().message;
    const auto configured = port->configure(1, pool.get());
    EXPECT_TRUE(configured) << configured.error().message;
    EXPECT_TRUE(port->start());
    return std::move(port).value();
  }
  std::unique_ptr<pipeline::Pipeline> pipeline_;
  Port port_;
  Halt halt_{1};
  std::unique_ptr<Worker> worker_;
};

TEST(WorkerOnADevice, ReceivesRunsAndSends) {
  const TestPool pool(64);
  OnRing ring(kTx, pool);
  for (int i = 0; i < 40; ++i) ring.put(pool.frame(static_cast<std::uint16_t>(60 + i)));
  EXPECT_EQ(ring.worker().round(), 32U);
  const auto frames = ring.take();  // 8 that were waiting, then the 32
  ASSERT_EQ(frames.size(), 40U);
  EXPECT_EQ(frames[8]->data_len, 60);
  for (rte_mbuf* frame : frames) rte_pktmbuf_free(frame);
  EXPECT_EQ(ring.worker().stats().ports[0].tx_frames, 32U);
  EXPECT_EQ(pipeline::imbalance(ring.worker().stats()), std::nullopt);
}

TEST(WorkerOnADevice, ATagThatWasCutOutIsPutBackBeforeTheProgramRuns) {
  const TestPool pool(8);
  OnRing ring(kTx, pool);
  rte_mbuf* const frame = pool.frame(60);
  frame->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  frame->vlan_tci = 0x2064;
  ring.put(frame);
  ring.worker().round();
  const auto out = ring.take();
  ASSERT_EQ(out.size(), 1U);
  const std::vector<unsigned> bytes = content(*out[0]);
  ASSERT_EQ(bytes.size(), 64U);
  EXPECT_THAT(std::vector(bytes.begin() + 10, bytes.begin() + 18), ElementsAre(10, 11, 0x81, 0, 0x20, 0x64, 12, 13));
  EXPECT_EQ(out[0]->ol_flags, 0U) << "the next device must not insert it again";
  rte_pktmbuf_free(out[0]);
}

TEST(WorkerOnADevice, LongFramesAndPiecesThatDoNotFitAreCountedBeforeAnyProgram) {
  const TestPool pool(16);
  OnRing ring(kTx, pool);
  ring.put(pool.frame(1523));
  rte_mbuf* const pieces = pool.frame(2000);
  ASSERT_EQ(rte_pktmbuf_chain(pieces, pool.frame(100)), 0);
  ring.put(pieces);
  ring.worker().round();
  EXPECT_EQ(dropped(ring.worker(), DropReason::kTooLong), 1U);
  EXPECT_EQ(dropped(ring.worker(), DropReason::kRxUnfit), 1U);
  EXPECT_EQ(ring.worker().stats().ports[0].rx_frames, 2U);
  EXPECT_EQ(pipeline::imbalance(ring.worker().stats()), std::nullopt);
}

TEST(WorkerOnADevice, AFullTransmitQueueDropsAndCounts) {
  const TestPool pool(2048);
  OnRing ring(kPass, pool);
  // The device's ring holds 1,023: 1,000 that wait to be received, then what the program sends behind them.
  for (int i = 0; i < 1023; ++i) ring.put(pool.frame(60));
  ring.worker().round();  // takes 32, sends 32: full again
  rte_mbuf* frame = pool.frame(60);
  EXPECT_EQ(rte_eth_tx_burst(0, 0, &frame, 0), 0);
  rte_pktmbuf_free(frame);
  EXPECT_EQ(ring.worker().stats().ports[1].tx_frames, 32U);
  for (rte_mbuf* each : ring.take()) rte_pktmbuf_free(each);
  for (auto left = ring.take(); !left.empty(); left = ring.take()) {
    for (rte_mbuf* each : left) rte_pktmbuf_free(each);
  }
}

TEST(WorkerOnADevice, StopsWithNothingLeftInHand) {
  const TestPool pool(64);
  OnRing ring(kDrop, pool);
  for (int i = 0; i < 20; ++i) ring.put(pool.frame(60));
  ring.worker().round();
  ring.halt().requested.store(true);
  ring.worker().run();
  EXPECT_EQ(ring.worker().stats().dropped(), 20U);
  EXPECT_EQ(ring.halt().done[Halt::kRunning].load(), 1U);
}

TEST(Transmitter, ACopyHasItsOwnBufferAndNoneIsLostWhenThereIsNone) {
  const TestPool pool(2);  // one for the frame, one for the copy
  const Ring out = make_ring();
  std::atomic<bool> down{false};
  pipeline::Stats stats(1, 0);
  Transmitter transmitter({{.ring = out.get(), .longest = 1522, .down = &down}}, {}, stats);
  std::vector<vm::XdpContext> contexts(1);
  rte_mbuf* frame = pool.frame(60);
  expose(*frame, 0, contexts[0]);
  contexts[0].data_meta -= 8;
  std::memset(contexts[0].data_meta, 0xab, 8);
  transmitter.begin(contexts, &frame);
  vm::XdpContext* const copy = transmitter.clone(contexts[0]);
  ASSERT_NE(copy, nullptr);
  EXPECT_NE(copy->data, contexts[0].data);
  EXPECT_EQ(std::memcmp(copy->data_meta, contexts[0].data_meta, 68), 0);
  EXPECT_EQ(copy->data - copy->hard_start, 256);
  EXPECT_EQ(transmitter.clone(contexts[0]), nullptr) << "the pool is empty";
  stats.ports[0].tx_frames = 2;
  stats.ports[0].tx_bytes = 120;
  transmitter.send({}, *copy, 0);
  transmitter.send({}, contexts[0], 0);
  transmitter.flush();
  void* sent = nullptr;
  unsigned count = 0;
  while (rte_ring_dequeue(out.get(), &sent) == 0) {
    EXPECT_EQ(content(*static_cast<rte_mbuf*>(sent))[59], 59U);
    rte_pktmbuf_free(static_cast<rte_mbuf*>(sent));
    ++count;
  }
  EXPECT_EQ(count, 2U);
}

}  // namespace
}  // namespace sluice::io
