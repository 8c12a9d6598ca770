#pragma once
// Who does what: how many frames the pools hold, which worker polls which queue, which sends for whom, and the rings
// between them. Decided once, before workers start. Main thread.
#include <cstdint>
#include <memory>
#include <vector>

#include <rte_ring.h>

#include "base/result.h"
#include "dataplane/io/port.h"
#include "dataplane/io/worker.h"

namespace sluice::io {

struct PoolPlan {
  std::uint32_t frames = 0;       // of the pool that most ports share
  std::uint32_t page_frames = 0;  // of the own pool of a port whose frames lie in single pages
  unsigned cache = 256;           // frames each worker keeps of each pool
  std::uint64_t bytes = 0;        // of the shared pool: pages are not of DPDK's memory
};
// Frames enough for every queue and ring to be full while workers hold their bursts, `redirected` of them in rings of
// CPUMAPs; `memory_bytes`, when not 0, limits the shared pool instead.
PoolPlan plan_pools(const std::vector<Device>& devices, unsigned workers, std::uint64_t memory_bytes,
                    std::uint32_t redirected = 0);

// An entry of a CPUMAP of the pipeline.
struct CpuEntry {
  const vm::Map* map = nullptr;
  std::uint32_t cpu = 0;    // index of a worker
  std::uint32_t limit = 0;  // frames that may wait for it, 1..16384
};
// Those of all CPUMAPs, each map's together, by CPU.
std::vector<CpuEntry> cpu_entries(const pipeline::Pipeline& pipeline, unsigned workers);
// Frames that may wait for all of them.
std::uint32_t most_redirected(const std::vector<CpuEntry>& entries) noexcept;

struct FreeRing {
  void operator()(rte_ring* ring) const noexcept { rte_ring_free(ring); }
};
using Ring = std::unique_ptr<rte_ring, FreeRing>;

struct Rings {
  std::vector<Ring> between;  // [from * workers + to]: frames to run; empty when no port is spread
  std::vector<Ring> to_port;  // by port: frames to send, where workers share its queue; null elsewhere
  std::vector<Ring> to_cpu;   // by CpuEntry
  std::vector<CpuRings> cpumaps;
};
Result<void> make_rings(Rings& rings, const std::vector<Port>& ports, const std::vector<CpuEntry>& entries,
                        unsigned workers);

// Queues are dealt out in turn. A port with fewer receive queues than workers is spread by flow; one with fewer
// transmit queues belongs to one worker, and others hand it frames.
std::vector<WorkerPlan> plan_workers(const std::vector<Port>& ports, const Rings& rings, unsigned workers);

}  // namespace sluice::io
