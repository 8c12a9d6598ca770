#pragma once
// One lcore: receives bursts, runs them through the pipeline, sends what comes out, and shares out what belongs to
// other workers: what is shared out by flow, redirected to another CPU, or sent by a queue of another's. Polls only
// queues it owns; meets other workers at rings. Stops when told, with nothing left in flight.
// `run` is for the worker's own thread; the rest for the main thread before and after.
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/config/config.h"
#include "dataplane/io/tx.h"
#include "dataplane/pipeline/executor.h"

namespace sluice::io {

// A receive queue as the worker that polls it has it.
struct Inlet {
  std::uint16_t port = 0;    // index into Pipeline::ports()
  std::uint16_t device = 0;  // DPDK's number of the port
  std::uint16_t queue = 0;
  std::uint32_t longest = 0;  // bytes of a frame; longer ones come from a sender that segments in hardware it lacks
  bool spread = false;        // shared out by flow among all workers
  bool partial_checksums = false;
  bool shares_buffer = false;
  const std::atomic<bool>* down = nullptr;
};

// A transmit queue this worker sends on for others.
struct Owned {
  std::uint16_t port = 0;
  rte_ring* ring = nullptr;
};

struct WorkerPlan {
  unsigned index = 0;
  std::vector<Inlet> inlets;
  std::vector<Outlet> outlets;          // by index into Pipeline::ports()
  std::vector<rte_ring*> to_workers;    // by worker, null for itself; empty when nothing is spread
  std::vector<rte_ring*> from_workers;  // those of other workers to this one
  std::vector<CpuRings> cpumaps;        // the same for all workers; those with this one's number are its to empty
  std::vector<Owned> owned;
  unsigned burst = pipeline::kBurst;  // frames of one receive, 1..kBurst
  config::Workers::Idle idle = config::Workers::Idle::kAuto;
};

// How workers stop together: nobody leaves while another may still hand it a frame.
struct Halt {
  // What they leave off, in this order: frames go from each to the next.
  enum Step : unsigned { kReceiving, kSpreading, kRunning, kSteps };
  explicit Halt(unsigned count) : workers(count) {}
  const unsigned workers;
  std::atomic<bool> requested{false};
  std::array<std::atomic<unsigned>, kSteps> done{};  // workers
};

class Worker {
 public:
  // `pipeline`, `halt` and `cookies` (null: fixed ones) outlive the Worker; so do devices and rings of the plan.
  Worker(const pipeline::Pipeline& pipeline, WorkerPlan plan, Halt& halt, std::uint64_t seed,
         const vm::SynCookieKeys* cookies = nullptr);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Returns after `halt.requested` once every worker is done.
  void run() noexcept;
  // One pass over everything it polls, timers first; how many frames and due timers there were.
  unsigned round() noexcept;

  [[nodiscard]] const pipeline::Stats& stats() const noexcept { return stats_; }

 private:
  unsigned receive(const Inlet& inlet) noexcept;
  // Makes frames fit for programs; drops and counts the rest. What stays is moved to the front; its number.
  unsigned admit(const Inlet& inlet, rte_mbuf** frames, unsigned count) noexcept;
  bool fit(const Inlet& inlet, rte_mbuf*& frame) noexcept;
  void spread(const Inlet& inlet, rte_mbuf** frames, unsigned count) noexcept;
  // Each empties some rings, at most a burst of each; how many frames there were.
  unsigned take_spread() noexcept;
  unsigned take_redirected() noexcept;
  unsigned send_owned() noexcept;
  void finish() noexcept;
  void execute(std::uint16_t port, std::span<rte_mbuf*> frames, std::span<const std::uint16_t> queues) noexcept;
  void execute_again(const pipeline::Handed& handed, std::span<rte_mbuf*> frames) noexcept;
  void refuse(std::uint16_t port, rte_mbuf* frame, pipeline::DropReason reason) noexcept;
  void rest(unsigned frames) noexcept;

  WorkerPlan plan_;
  Halt& halt_;
  pipeline::Stats stats_;
  vm::ExecEnv env_;
  std::vector<rte_ring*> redirected_;  // of entries of CPUMAPs for this worker
  Transmitter transmitter_;
  pipeline::Executor executor_;
  std::array<vm::XdpContext, pipeline::kBurst> contexts_;
  unsigned idle_rounds_ = 0;
};

}  // namespace sluice::io
