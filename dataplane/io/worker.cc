#include "dataplane/io/worker.h"

#include <sched.h>

#include <algorithm>
#include <ctime>

#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "dataplane/io/buffers.h"
#include "dataplane/io/wire.h"
#include "dataplane/pipeline/flow_hash.h"

namespace sluice::io {

using pipeline::DropReason;
using pipeline::kBurst;
using Idle = config::Workers::Idle;

namespace {

// Idle rounds before the next cheaper way to wait. A pause costs 28 ns, a yield 0.8 us, the shortest sleep 86 us
// (measured on the machine DESIGN section 5 names).
constexpr unsigned kPauses = 4096;
constexpr unsigned kYields = 1024;
constexpr unsigned kTimersARound = 32;  // as many as frames of a burst: neither may starve the other
constexpr long kShortSleep = 50'000;    // ns
constexpr long kLongSleep = 500'000;    // ns, `idle: sleep`

void sleep_ns(long ns) noexcept {
  const timespec time{.tv_sec = 0, .tv_nsec = ns};
  nanosleep(&time, nullptr);
}

// Where most frames begin, told without a look at the mbuf, which another core wrote last.
const std::byte* usual_data(rte_mbuf& frame) noexcept {
  return static_cast<const std::byte*>(rte_mbuf_to_priv(&frame)) + kPrivateSize + RTE_PKTMBUF_HEADROOM;
}

std::span<std::byte> bytes_of(rte_mbuf& frame) noexcept { return {buffer(frame) + frame.data_off, frame.data_len}; }

}  // namespace

Worker::Worker(const pipeline::Pipeline& pipeline, WorkerPlan plan, Halt& halt, std::uint64_t seed,
               const vm::SynCookieKeys* cookies)
    : plan_(std::move(plan)),
      halt_(halt),
      stats_(pipeline.ports().size(), pipeline.stages()),
      env_{.cpu = plan_.index, .worker = plan_.index, .prng = {.state = seed}, .cookies = cookies},
      transmitter_(plan_.outlets, plan_.cpumaps, stats_),
      executor_(pipeline, stats_, env_, transmitter_, false) {
  for (const CpuRings& map : plan_.cpumaps) {
    rte_ring* const ring = plan_.index < map.by_cpu.size() ? map.by_cpu[plan_.index] : nullptr;
    if (ring != nullptr) redirected_.push_back(ring);
  }
}

void Worker::refuse(std::uint16_t port, rte_mbuf* frame, DropReason reason) noexcept {
  executor_.refuse(port, frame->pkt_len, reason);
  rte_pktmbuf_free(frame);
}

bool Worker::fit(const Inlet& inlet, rte_mbuf*& frame) noexcept {
  if (inlet.shares_buffer) {
    rte_mbuf* const copy = rte_pktmbuf_copy(frame, frame->pool, 0, UINT32_MAX);
    if (copy == nullptr) {
      refuse(inlet.port, frame, DropReason::kRxNoBuffer);
      return false;
    }
    rte_pktmbuf_free(frame);
    frame = copy;
  }
  if (!is_plain(*frame) && !make_plain(*frame)) {
    refuse(inlet.port, frame, DropReason::kRxUnfit);
    return false;
  }
  if ((frame->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 && frame->data_len >= 12) {
    insert_tag(buffer(*frame) + frame->data_off, frame->vlan_tci);
    frame->data_off = static_cast<std::uint16_t>(frame->data_off - 4);
    frame->data_len = static_cast<std::uint16_t>(frame->data_len + 4);
    frame->pkt_len = frame->data_len;
  }
  if (frame->pkt_len > inlet.longest) {
    refuse(inlet.port, frame, DropReason::kTooLong);
    return false;
  }
  if (inlet.partial_checksums) complete_checksum(bytes_of(*frame));
  return true;
}

unsigned Worker::admit(const Inlet& inlet, rte_mbuf** frames, unsigned count) noexcept {
  for (unsigned i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(frames[i], void*));
  unsigned kept = 0;
  for (unsigned i = 0; i < count; ++i) {
    rte_mbuf* frame = frames[i];
    if (fit(inlet, frame)) frames[kept++] = frame;
  }
  return kept;
}

unsigned Worker::receive(const Inlet& inlet) noexcept {
  if (inlet.down->load(std::memory_order_relaxed)) return 0;
  std::array<rte_mbuf*, kBurst> frames;
  const unsigned count =
      rte_eth_rx_burst(inlet.device, inlet.queue, frames.data(), static_cast<std::uint16_t>(plan_.burst));
  if (count == 0) return 0;
  const unsigned kept = admit(inlet, frames.data(), count);
  if (inlet.spread) {
    spread(inlet, frames.data(), kept);
  } else if (kept != 0) {
    execute(inlet.port, {frames.data(), kept}, {&inlet.queue, 1});
  }
  return count;
}

void Worker::spread(const Inlet& inlet, rte_mbuf** frames, unsigned count) noexcept {
  const auto workers = static_cast<unsigned>(plan_.to_workers.size());
  std::array<rte_mbuf*, kBurst> own;
  unsigned mine = 0;
  for (unsigned i = 0; i < count; ++i) {
    rte_mbuf* const frame = frames[i];
    const unsigned target = pipeline::worker_of(pipeline::flow_hash(bytes_of(*frame)), workers);
    if (target == plan_.index) {
      own[mine++] = frame;
      continue;
    }
    note(*frame) = {.port = inlet.port, .queue = inlet.queue};
    if (rte_ring_sp_enqueue(plan_.to_workers[target], frame) != 0) {
      refuse(inlet.port, frame, DropReason::kDispatchFull);
    }
  }
  if (mine != 0) execute(inlet.port, {own.data(), mine}, {&inlet.queue, 1});
}

// `queues`: one a frame, or one for all.
void Worker::execute(std::uint16_t port, std::span<rte_mbuf*> frames, std::span<const std::uint16_t> queues) noexcept {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    expose(*frames[i], queues[queues.size() == 1 ? 0 : i], contexts_[i]);
  }
  const std::span<vm::XdpContext> contexts(contexts_.data(), frames.size());
  transmitter_.begin(contexts, frames.data());
  executor_.run(port, contexts);
  transmitter_.flush();
}

// Frames of one port that follow each other make one burst.
unsigned Worker::take_spread() noexcept {
  unsigned total = 0;
  for (rte_ring* const ring : plan_.from_workers) {
    std::array<rte_mbuf*, kBurst> frames;
    const unsigned count = rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void**>(frames.data()), kBurst, nullptr);
    std::array<std::uint16_t, kBurst> queues;
    unsigned first = 0;
    for (unsigned i = 0; i < count; ++i) {
      queues[i] = note(*frames[i]).queue;
      const std::uint16_t port = note(*frames[i]).port;
      if (i + 1 < count && note(*frames[i + 1]).port == port) continue;
      execute(port, std::span(frames).subspan(first, i + 1 - first), std::span(queues).subspan(first, i + 1 - first));
      first = i + 1;
    }
    total += count;
  }
  return total;
}

void Worker::execute_again(const pipeline::Handed& handed, std::span<rte_mbuf*> frames) noexcept {
  for (std::size_t i = 0; i < frames.size(); ++i) expose_again(*frames[i], contexts_[i]);
  const std::span<vm::XdpContext> contexts(contexts_.data(), frames.size());
  transmitter_.begin(contexts, frames.data());
  executor_.run_handed(handed, contexts);
  transmitter_.flush();
}

// Frames that came in by one port for one program and follow each other make one burst.
unsigned Worker::take_redirected() noexcept {
  const auto handed = [](rte_mbuf* frame) {
    return pipeline::Handed{.port = note(*frame).port, .stage = note(*frame).stage};
  };
  unsigned total = 0;
  for (rte_ring* const ring : redirected_) {
    std::array<rte_mbuf*, kBurst> frames;
    const unsigned count = rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void**>(frames.data()), kBurst, nullptr);
    for (unsigned i = 0; i < count; ++i) {
      rte_prefetch0(&note(*frames[i]));
      rte_prefetch0(usual_data(*frames[i]));
    }
    unsigned first = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (i + 1 < count && handed(frames[i + 1]) == handed(frames[i])) continue;
      execute_again(handed(frames[first]), std::span(frames).subspan(first, i + 1 - first));
      first = i + 1;
    }
    total += count;
  }
  return total;
}

unsigned Worker::send_owned() noexcept {
  unsigned total = 0;
  for (const Owned& owned : plan_.owned) {
    std::array<rte_mbuf*, kBurst> frames;
    const unsigned count =
        rte_ring_sc_dequeue_burst(owned.ring, reinterpret_cast<void**>(frames.data()), kBurst, nullptr);
    if (count != 0) transmitter_.send_handed(owned.port, frames.data(), count);
    total += count;
  }
  return total;
}

unsigned Worker::round() noexcept {
  // Due timers keep a worker awake as frames do.
  unsigned frames = executor_.has_timers() ? executor_.run_timers(env_.clock.now_ns(), kTimersARound) : 0;
  for (const Inlet& inlet : plan_.inlets) frames += receive(inlet);
  frames += take_spread();
  frames += take_redirected();
  return frames + send_owned();
}

void Worker::rest(unsigned frames) noexcept {
  if (frames != 0) {
    idle_rounds_ = 0;
    return;
  }
  ++idle_rounds_;
  if (plan_.idle == Idle::kPoll || idle_rounds_ < kPauses) {
    rte_pause();
  } else if (plan_.idle == Idle::kSleep) {
    sleep_ns(kLongSleep);
  } else if (idle_rounds_ < kPauses + kYields) {
    sched_yield();
  } else {
    sleep_ns(kShortSleep);
  }
}

void Worker::run() noexcept {
  unsigned cpu = 0;
  getcpu(&cpu, &env_.numa_node);  // the thread stays on its core
  while (!halt_.requested.load(std::memory_order_relaxed)) rest(round());
  finish();
}

// A step is over when all workers have left off what feeds its rings and they are empty. "All of them" is asked before
// a ring is found empty, never after. What the next steps hold is worked off meanwhile: nobody shall find it full.
void Worker::finish() noexcept {
  constexpr std::array<unsigned (Worker::*)() noexcept, Halt::kSteps> kFed = {
      &Worker::take_spread, &Worker::take_redirected, &Worker::send_owned};
  for (unsigned step = 0; step < Halt::kSteps; ++step) {
    halt_.done[step].fetch_add(1, std::memory_order_acq_rel);
    for (bool last = false, empty = false; !(last && empty);) {
      last = halt_.done[step].load(std::memory_order_acquire) == halt_.workers;
      empty = (this->*kFed[step])() == 0;
      for (unsigned next = step + 1; next < Halt::kSteps; ++next) (this->*kFed[next])();
    }
  }
}

}  // namespace sluice::io
