#include "dataplane/io/plan.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <rte_errno.h>

#include "dataplane/io/buffers.h"
#include "vm/maps/map.h"

namespace sluice::io {
namespace {

constexpr unsigned kRingSize = 1024;           // frames, a power of 2
constexpr std::uint32_t kPageFrames = 8192;    // an AF_XDP socket keeps 4,096 and more in its own rings
constexpr std::uint32_t kFewestFrames = 2048;  // less cannot even fill a queue and the workers' caches

// Which worker a port's only queue, or the first of its few, falls to.
unsigned first_worker(std::size_t port, unsigned workers) { return static_cast<unsigned>(port) % workers; }

bool is_spread(const Port& port, unsigned workers) { return port.rx_queues() < workers; }
bool is_shared(const Port& port, unsigned workers) { return port.tx_queues() < workers; }

// Holds `size` frames with RING_F_EXACT_SZ, else one less.
Result<Ring> make_ring(const std::string& name, unsigned flags, unsigned size = kRingSize) {
  Ring ring(rte_ring_create(name.c_str(), size, SOCKET_ID_ANY, flags));
  if (ring == nullptr) {
    return Error{ErrorCode::kEnvironment,
                 fmt::format("no memory for a ring between workers: {}", rte_strerror(rte_errno))};
  }
  return ring;
}

}  // namespace

PoolPlan plan_pools(const std::vector<Device>& devices, unsigned workers, std::uint64_t memory_bytes,
                    std::uint32_t redirected) {
  PoolPlan plan;
  std::uint32_t frames = 1024 + redirected + workers * (plan.cache * 2 + 4 * pipeline::kBurst);
  if (workers > 1) frames += workers * (workers - 1) * kRingSize;
  for (const Device& device : devices) {
    frames += (device.queues + workers) * device.driver->descriptors;
    if (workers > 1) frames += kRingSize;
  }
  plan.frames = frames;
  if (memory_bytes != 0) {
    const std::uint64_t each = pool_bytes(1024, kRoom) / 1024;
    plan.frames = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(memory_bytes / each, kFewestFrames, 1U << 24));
    plan.cache = std::min(plan.cache, plan.frames / (4 * workers));
  }
  plan.page_frames = kPageFrames + redirected;
  plan.bytes = pool_bytes(plan.frames, kRoom);
  return plan;
}

std::vector<CpuEntry> cpu_entries(const pipeline::Pipeline& pipeline, unsigned workers) {
  std::vector<CpuEntry> entries;
  for (const pipeline::NamedMap& named : pipeline.maps()) {
    if (named.map->spec().type != vm::MapType::kCpumap) continue;
    for (std::uint32_t cpu = 0; cpu < std::min(workers, named.map->spec().max_entries); ++cpu) {
      const std::byte* const value = named.map->lookup(reinterpret_cast<const std::byte*>(&cpu), 0);
      if (value == nullptr) continue;
      std::uint32_t limit = 0;  // the first word of struct bpf_cpumap_val, linux/bpf.h
      std::memcpy(&limit, value, sizeof limit);
      entries.push_back({.map = named.map.get(), .cpu = cpu, .limit = limit});
    }
  }
  return entries;
}

std::uint32_t most_redirected(const std::vector<CpuEntry>& entries) noexcept {
  std::uint32_t sum = 0;
  for (const CpuEntry& entry : entries) sum += entry.limit;
  return sum;
}

namespace {

// Over these rings workers hand frames to the one that owns a port's transmit queue.
Result<void> make_rings_to_ports(Rings& rings, const std::vector<Port>& ports, unsigned workers) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (!is_shared(ports[i], workers)) continue;
    auto ring = make_ring(fmt::format("tx{}", i), RING_F_SC_DEQ);
    if (!ring) return std::move(ring).error();
    rings.to_port[i] = std::move(ring).value();
  }
  return {};
}

// Over these, frames of ports that are spread by flow.
Result<void> make_rings_between(Rings& rings, unsigned workers) {
  rings.between.resize(std::size_t{workers} * workers);
  for (unsigned from = 0; from < workers; ++from) {
    for (unsigned to = 0; to < workers; ++to) {
      if (from == to) continue;
      auto ring = make_ring(fmt::format("run{}to{}", from, to), RING_F_SP_ENQ | RING_F_SC_DEQ);
      if (!ring) return std::move(ring).error();
      rings.between[std::size_t{from} * workers + to] = std::move(ring).value();
    }
  }
  return {};
}

// Over these, frames redirected by a CPUMAP: one ring an entry, as in the kernel. Every worker may put frames in.
Result<void> make_rings_to_cpus(Rings& rings, const std::vector<CpuEntry>& entries, unsigned workers) {
  for (const CpuEntry& entry : entries) {
    auto ring = make_ring(fmt::format("cpu{}", rings.to_cpu.size()), RING_F_SC_DEQ | RING_F_EXACT_SZ, entry.limit);
    if (!ring) return std::move(ring).error();
    if (rings.cpumaps.empty() || rings.cpumaps.back().map != entry.map) {
      rings.cpumaps.push_back({.map = entry.map, .by_cpu = std::vector<rte_ring*>(workers)});
    }
    rings.cpumaps.back().by_cpu[entry.cpu] = ring->get();
    rings.to_cpu.push_back(std::move(ring).value());
  }
  return {};
}

}  // namespace

Result<void> make_rings(Rings& rings, const std::vector<Port>& ports, const std::vector<CpuEntry>& entries,
                        unsigned workers) {
  rings.to_port.resize(ports.size());
  if (auto done = make_rings_to_cpus(rings, entries, workers); !done) return done;
  if (workers == 1) return {};
  if (auto done = make_rings_to_ports(rings, ports, workers); !done) return done;
  const bool spread = std::ranges::any_of(ports, [&](const Port& port) { return is_spread(port, workers); });
  return spread ? make_rings_between(rings, workers) : Result<void>();
}

std::vector<WorkerPlan> plan_workers(const std::vector<Port>& ports, const Rings& rings, unsigned workers) {
  std::vector<WorkerPlan> plans(workers);
  for (unsigned w = 0; w < workers; ++w) {
    WorkerPlan& plan = plans[w];
    plan.index = w;
    plan.cpumaps = rings.cpumaps;
    for (unsigned other = 0; !rings.between.empty() && other < workers; ++other) {
      plan.to_workers.push_back(rings.between[std::size_t{w} * workers + other].get());
      if (other != w) plan.from_workers.push_back(rings.between[std::size_t{other} * workers + w].get());
    }
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Port& port = ports[i];
    const auto index = static_cast<std::uint16_t>(i);
    for (std::uint16_t queue = 0; queue < port.rx_queues(); ++queue) {
      plans[(first_worker(i, workers) + queue) % workers].inlets.push_back(
          {.port = index,
           .device = port.device(),
           .queue = queue,
           .longest = port.longest(),
           .spread = is_spread(port, workers),
           .partial_checksums = port.driver().partial_checksums,
           .shares_buffer = port.driver().shares_buffer,
           .down = &port.down()});
    }
    const bool shared = is_shared(port, workers);
    for (unsigned w = 0; w < workers; ++w) {
      const bool owner = !shared || w == first_worker(i, workers);
      plans[w].outlets.push_back({.device = port.device(),
                                  .queue = static_cast<std::uint16_t>(shared ? 0 : w),
                                  .ring = owner ? nullptr : rings.to_port[i].get(),
                                  .longest = port.longest(),
                                  .down = &port.down()});
      if (shared && owner) plans[w].owned.push_back({.port = index, .ring = rings.to_port[i].get()});
    }
  }
  return plans;
}

}  // namespace sluice::io
