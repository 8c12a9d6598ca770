#include "dataplane/io/plan.h"

#include <algorithm>

#include <fmt/format.h>
#include <rte_errno.h>

#include "dataplane/io/buffers.h"

namespace sluice::io {
namespace {

constexpr unsigned kRingSize = 1024;           // frames, a power of 2
constexpr std::uint32_t kPageFrames = 8192;    // an AF_XDP socket keeps 4,096 and more in its own rings
constexpr std::uint32_t kFewestFrames = 2048;  // less cannot even fill a queue and the workers' caches

// Which worker a port's only queue, or the first of its few, falls to.
unsigned first_worker(std::size_t port, unsigned workers) { return static_cast<unsigned>(port) % workers; }

bool is_spread(const Port& port, unsigned workers) { return port.rx_queues() < workers; }
bool is_shared(const Port& port, unsigned workers) { return port.tx_queues() < workers; }

Result<Ring> make_ring(const std::string& name, unsigned flags) {
  Ring ring(rte_ring_create(name.c_str(), kRingSize, SOCKET_ID_ANY, flags));
  if (ring == nullptr) {
    return Error{ErrorCode::kEnvironment,
                 fmt::format("no memory for a ring between workers: {}", rte_strerror(rte_errno))};
  }
  return ring;
}

}  // namespace

PoolPlan plan_pools(const std::vector<Device>& devices, unsigned workers, std::uint64_t memory_bytes) {
  PoolPlan plan;
  std::uint32_t frames = 1024 + workers * (plan.cache * 2 + 4 * pipeline::kBurst);
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
  plan.page_frames = kPageFrames;
  plan.bytes = pool_bytes(plan.frames, kRoom);
  return plan;
}

Result<void> make_rings(Rings& rings, const std::vector<Port>& ports, unsigned workers) {
  rings.to_port.resize(ports.size());
  if (workers == 1) return {};
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (!is_shared(ports[i], workers)) continue;
    auto ring = make_ring(fmt::format("tx{}", i), RING_F_SC_DEQ);
    if (!ring) return std::move(ring).error();
    rings.to_port[i] = std::move(ring).value();
  }
  if (std::ranges::none_of(ports, [&](const Port& port) { return is_spread(port, workers); })) return {};
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

std::vector<WorkerPlan> plan_workers(const std::vector<Port>& ports, const Rings& rings, unsigned workers) {
  std::vector<WorkerPlan> plans(workers);
  for (unsigned w = 0; w < workers; ++w) {
    WorkerPlan& plan = plans[w];
    plan.index = w;
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
