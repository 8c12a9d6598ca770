#include "dataplane/io/live.h"

#include <sched.h>

#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_ring.h>

#include "dataplane/io/buffers.h"
#include "dataplane/io/eal.h"
#include "dataplane/io/hush.h"
#include "dataplane/io/plan.h"
#include "dataplane/io/worker.h"
#include "vm/syncookie.h"

namespace sluice::io {
namespace {

int run_worker(void* worker) {
  static_cast<Worker*>(worker)->run();
  return 0;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

vm::SynCookieKeys random_cookies() {
  vm::SynCookieKeys keys;
  for (auto* const family : {&keys.ipv4, &keys.ipv6}) {
    for (vm::SipKey& key : *family) key = {random_seed(), random_seed()};
  }
  return keys;
}

}  // namespace

unsigned worker_count(const config::Workers& workers) {
  if (workers.count != 0) return workers.count;
  if (!workers.cores.empty()) return static_cast<unsigned>(workers.cores.size());
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return static_cast<unsigned>(std::max(1, cpus - 1));
}

// In the order they are made; taken down in the opposite one.
struct Live::Parts {
  Parts(Eal&& eal_in, unsigned workers) : eal(std::move(eal_in)), halt(workers) {}

  Eal eal;
  std::vector<Pool> pools;
  std::vector<Port> ports;
  Rings rings;
  Halt halt;
  vm::SynCookieKeys cookies = random_cookies();
  std::vector<std::unique_ptr<Worker>> workers;
  bool running = false;

  Result<void> open(const config::Config& config, const std::vector<Device>& devices, const PoolPlan& plan);
  Result<void> open_ports(const config::Config& config, const std::vector<Device>& devices, const PoolPlan& plan);
  void launch(const pipeline::Pipeline& pipeline, const config::Workers& settings);
  void halt_workers() noexcept;
  [[nodiscard]] std::uint32_t buffers_out() const noexcept;
};

Result<void> Live::Parts::open(const config::Config& config, const std::vector<Device>& devices, const PoolPlan& plan) {
  // libbpf and libxdp talk while an AF_XDP socket is made.
  const Hush hush(std::ranges::any_of(devices, [](const Device& d) { return d.driver->kind == DriverKind::kAfXdp; }));
  auto done = open_ports(config, devices, plan);
  const std::string said = done ? std::string() : hush.last_line();
  return said.empty() ? done : Error{done.error().code, done.error().message + "; " + said};
}

Result<void> Live::Parts::open_ports(const config::Config& config, const std::vector<Device>& devices,
                                     const PoolPlan& plan) {
  auto shared = make_pool("frames", plan.frames, kRoom, plan.cache);
  if (!shared) return std::move(shared).error();
  pools.push_back(std::move(shared).value());
  for (std::size_t i = 0; i < devices.size(); ++i) {
    rte_mempool* pool = pools.front().get();
    if (devices[i].driver->frames_in_a_page) {
      auto own = make_page_pool(fmt::format("frames{}", i), plan.page_frames, plan.cache);
      if (!own) return std::move(own).error();
      pool = pools.emplace_back(std::move(own).value()).get();
    }
    auto port = Port::open(config.ports[i], devices[i]);
    if (!port) return std::move(port).error();
    ports.push_back(std::move(port).value());
    if (auto done = ports.back().configure(halt.workers, pool); !done) return done;
  }
  for (Port& port : ports) {
    if (auto done = port.start(); !done) return done;
  }
  return {};
}

void Live::Parts::launch(const pipeline::Pipeline& pipeline, const config::Workers& settings) {
  for (WorkerPlan& plan : plan_workers(ports, rings, halt.workers)) {
    plan.burst = std::min(settings.burst, pipeline::kBurst);
    plan.idle = settings.idle;
    workers.push_back(std::make_unique<Worker>(pipeline, std::move(plan), halt, random_seed(), &cookies));
  }
  running = true;
  for (unsigned i = 0; i < workers.size(); ++i) {
    const int launched = rte_eal_remote_launch(run_worker, workers[i].get(), Eal::lcore_of(i));
    SLUICE_CHECK(launched == 0);
  }
}

void Live::Parts::halt_workers() noexcept {
  if (!std::exchange(running, false)) return;
  halt.requested.store(true, std::memory_order_relaxed);
  rte_eal_mp_wait_lcore();
}

// Of the shared pool. AF_XDP keeps what lies in a socket's rings until the pool itself is gone.
std::uint32_t Live::Parts::buffers_out() const noexcept { return rte_mempool_in_use_count(pools.front().get()); }

Live::Live(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Live::~Live() {
  if (parts_ != nullptr) parts_->halt_workers();
}

Result<std::unique_ptr<Live>> Live::start(const config::Config& config, const pipeline::Pipeline& pipeline) {
  const unsigned workers = worker_count(config.workers);
  std::vector<Device> devices;
  for (unsigned i = 0; i < config.ports.size(); ++i) {
    auto device = device_of(config.ports[i], i, workers);
    if (!device) return std::move(device).error();
    if (auto usable = check_netdev(config.ports[i], *device); !usable) return std::move(usable).error();
    devices.push_back(std::move(device).value());
  }
  const std::vector<CpuEntry> entries = cpu_entries(pipeline, workers);
  const PoolPlan pool = plan_pools(devices, workers, config.dpdk.memory_bytes, most_redirected(entries));
  auto eal = Eal::start({.workers = workers,
                         .cores = config.workers.cores,
                         .main_core = config.workers.main_core,
                         .memory_bytes = pool.bytes,
                         .hugepages = config.dpdk.hugepages,
                         .pci = std::ranges::any_of(devices, [](const Device& d) { return d.driver->pmd.empty(); }),
                         .extra = config.dpdk.eal});
  if (!eal) return std::move(eal).error();

  auto parts = std::make_unique<Parts>(std::move(eal).value(), workers);
  if (auto done = parts->open(config, devices, pool); !done) return std::move(done).error();
  if (auto done = make_rings(parts->rings, parts->ports, entries, workers); !done) return std::move(done).error();
  parts->launch(pipeline, config.workers);
  return std::unique_ptr<Live>(new Live(std::move(parts)));
}

std::vector<std::string> Live::watch() {
  std::vector<std::string> gone;
  for (Port& port : parts_->ports) {
    if (port.watch()) gone.push_back(port.name());
  }
  return gone;
}

LiveReport Live::stop() {
  parts_->halt_workers();
  LiveReport report;
  report.stats = parts_->workers.front()->stats();
  for (std::size_t i = 1; i < parts_->workers.size(); ++i) report.stats += parts_->workers[i]->stats();
  for (Port& port : parts_->ports) {
    report.ports.push_back(
        {.driver = std::string(port.driver().name), .down = port.down().load(), .device = port.counters()});
    port.stop();
  }
  parts_->workers.clear();
  parts_->ports.clear();
  report.lost_buffers = parts_->buffers_out();
  return report;
}

std::string Live::summary() const {
  std::string text =
      fmt::format("{} worker{}, {} huge pages", parts_->halt.workers, parts_->halt.workers == 1 ? "" : "s",
                  parts_->eal.has_huge_pages() ? "with" : "without");
  for (const Port& port : parts_->ports) {
    text += fmt::format(", {} ({}, {} queue{})", port.name(), port.driver().name, port.rx_queues(),
                        port.rx_queues() == 1 ? "" : "s");
  }
  return text;
}

}  // namespace sluice::io
