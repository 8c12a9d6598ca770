#pragma once
// Frames on their way out of one worker: the FrameSink of its Executor. Collects frames by port and sends them in
// bursts: on a queue of the worker's own where the port has one, else over a ring to the worker that owns the queue.
// What cannot be sent is freed and counted. One Transmitter a worker, its thread only; only the rings and `down` are
// shared.
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/io/devices.h"
#include "dataplane/pipeline/executor.h"

namespace sluice::io {

// A way out of the switch as one worker has it.
struct Outlet {
  std::uint16_t device = 0;                 // DPDK's number of the port
  std::uint16_t queue = 0;                  // transmit queue, when owned
  rte_ring* ring = nullptr;                 // to the worker that owns the port's queue; null: this worker owns `queue`
  std::uint32_t longest = 0;                // bytes of a frame
  const std::atomic<bool>* down = nullptr;  // the device is gone
};

// Where the entries of a CPUMAP lead: rings of frames that programs have run over, each for one worker to run on.
struct CpuRings {
  const vm::Map* map = nullptr;
  std::vector<rte_ring*> by_cpu;  // null = no entry
};

class Transmitter final : public pipeline::FrameSink {
 public:
  // `outlets` by index into Pipeline::ports(); `cpumaps` all that programs may name.
  Transmitter(std::vector<Outlet> outlets, std::vector<CpuRings> cpumaps, pipeline::Stats& stats);

  // The burst about to run: `contexts[i]` lies over `frames[i]`. Valid until the next call.
  void begin(std::span<vm::XdpContext> contexts, rte_mbuf** frames) noexcept;
  // Sends and frees everything collected. After it no frame is held.
  void flush() noexcept;
  // Sends frames that came over a ring to a port this worker owns, counting them as sent. Frees the rest.
  void send_handed(std::uint16_t port, rte_mbuf** frames, unsigned count) noexcept;

  vm::XdpContext* clone(const vm::XdpContext& frame) noexcept override;
  void send(const pipeline::Passage& passage, vm::XdpContext& frame, std::uint16_t port) noexcept override;
  void drop(const pipeline::Passage& passage, vm::XdpContext& frame, pipeline::DropReason reason) noexcept override;
  // Over the entry's ring, its only bound; in flight from here.
  pipeline::HandOver hand_over(const pipeline::Handed& handed, vm::XdpContext& frame) noexcept override;

 private:
  struct Batch {
    unsigned count = 0;
    std::array<rte_mbuf*, pipeline::kBurst> frames{};
  };
  [[nodiscard]] rte_ring* ring_of(const vm::Redirect& redirect) const noexcept;
  [[nodiscard]] rte_mbuf* mbuf_of(const vm::XdpContext& frame) const noexcept;
  void free_later(rte_mbuf* frame) noexcept;
  void free_dropped() noexcept;
  void flush(std::uint16_t port) noexcept;
  // Gives up on frames that were counted as sent.
  void give_up(std::uint16_t port, rte_mbuf** frames, unsigned count, pipeline::DropReason reason) noexcept;

  std::vector<Outlet> outlets_;
  std::vector<CpuRings> cpumaps_;
  std::vector<Batch> batches_;          // by port
  std::vector<std::uint16_t> pending_;  // ports whose batch is not empty
  Batch dropped_;
  pipeline::Stats& stats_;
  std::span<vm::XdpContext> contexts_;
  rte_mbuf** frames_ = nullptr;
  vm::XdpContext copy_;
  rte_mbuf* copy_mbuf_ = nullptr;
};

}  // namespace sluice::io
