#include "dataplane/io/plan.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/unit/io/support.h"

namespace sluice::io {
namespace {

// Ports of these drivers, open and configured for `workers`.
std::vector<Port> open_ports(const std::vector<std::string>& drivers, unsigned workers, const TestPool& pool) {
  static unsigned number = 100;
  std::vector<Port> ports;
  for (const std::string& driver : drivers) {
    config::Port config;
    config.name.value = driver;
    config.driver.value = driver;
    auto device = device_of(config, number++, workers);
    EXPECT_TRUE(device);
    auto port = Port::open(config, *device);
    EXPECT_TRUE(port) << port.error().message;
    const auto configured = port->configure(workers, pool.get());
    EXPECT_TRUE(configured) << configured.error().message;
    ports.push_back(std::move(port).value());
  }
  return ports;
}

TEST(Plan, EveryQueueHasOneWorkerAndEveryWorkerAWayToEveryPort) {
  for (unsigned workers = 1; workers <= 3; ++workers) {
    const TestPool pool(4096, 128);
    const std::vector<Port> ports = open_ports({"null", "ring", "ring"}, workers, pool);
    Rings rings;
    ASSERT_TRUE(make_rings(rings, ports, {}, workers));
    const auto plans = plan_workers(ports, rings, workers);
    ASSERT_EQ(plans.size(), workers);
    std::set<std::pair<unsigned, unsigned>> received;
    std::set<std::pair<unsigned, unsigned>> sent;
    for (const WorkerPlan& plan : plans) {
      for (const Inlet& inlet : plan.inlets) {
        EXPECT_TRUE(received.emplace(inlet.port, inlet.queue).second) << "polled by two workers";
        EXPECT_EQ(inlet.spread, inlet.port != 0 && workers > 1);
      }
      ASSERT_EQ(plan.outlets.size(), 3U);
      for (unsigned port = 0; port < 3; ++port) {
        if (plan.outlets[port].ring != nullptr) continue;
        EXPECT_TRUE(sent.emplace(port, plan.outlets[port].queue).second) << "two workers send on one queue";
      }
      EXPECT_EQ(plan.to_workers.size(), workers == 1 ? 0U : workers);
      EXPECT_EQ(plan.from_workers.size(), workers - 1);
    }
    EXPECT_EQ(received.size(), workers + 2);
    EXPECT_EQ(sent.size(), workers + 2);
    // Each shared port has an owner that drains its ring.
    std::set<rte_ring*> drained;
    for (const WorkerPlan& plan : plans) {
      for (const Owned& owned : plan.owned) drained.insert(owned.ring);
    }
    EXPECT_EQ(drained.size(), workers == 1 ? 0U : 2U);
    for (const WorkerPlan& plan : plans) {
      for (const Outlet& outlet : plan.outlets) EXPECT_TRUE(outlet.ring == nullptr || drained.contains(outlet.ring));
    }
  }
}

TEST(Plan, EveryEntryOfACpumapHasARingOfItsSizeAtItsWorker) {
  const auto map = cpumap_of(3, 100);
  const std::uint32_t gone = 1;
  ASSERT_EQ(map->erase(reinterpret_cast<const std::byte*>(&gone)), 0);
  const auto pipeline = pipeline_of("mov r0, 1\nexit\n", {map});
  const std::vector<CpuEntry> entries = cpu_entries(*pipeline, 3);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1].map, map.get());
  EXPECT_EQ(entries[1].cpu, 2U);
  EXPECT_EQ(entries[1].limit, 100U);
  EXPECT_EQ(most_redirected(entries), 200U);
  Rings rings;
  ASSERT_TRUE(make_rings(rings, {}, entries, 3));
  const auto plans = plan_workers({}, rings, 3);
  for (const WorkerPlan& plan : plans) {
    ASSERT_EQ(plan.cpumaps.size(), 1U);
    EXPECT_EQ(plan.cpumaps[0].map, map.get());
    ASSERT_EQ(plan.cpumaps[0].by_cpu.size(), 3U);
    EXPECT_EQ(plan.cpumaps[0].by_cpu[1], nullptr);
    EXPECT_EQ(rte_ring_get_capacity(plan.cpumaps[0].by_cpu[2]), 100U);
    EXPECT_NE(plan.cpumaps[0].by_cpu[0], plan.cpumaps[0].by_cpu[2]);
  }
}

TEST(Plan, PoolsGrowWithQueuesAndAMemorySettingLimitsThem) {
  config::Port config;
  config.driver.value = "null";
  const std::vector<Device> one = {*device_of(config, 0, 1)};
  const std::vector<Device> two = {*device_of(config, 0, 2), *device_of(config, 1, 2)};
  EXPECT_GT(plan_pools(two, 2, 0).frames, plan_pools(one, 1, 0).frames);
  EXPECT_GE(plan_pools(one, 1, 0).frames, 2U * 512);
  EXPECT_EQ(plan_pools(one, 1, 0, 300).frames, plan_pools(one, 1, 0).frames + 300);
  const PoolPlan limited = plan_pools(one, 1, 64U << 20);
  EXPECT_LE(std::uint64_t{limited.frames} * kRoom, 64U << 20);
  EXPECT_GT(limited.frames, 4000U);
  EXPECT_EQ(plan_pools(one, 1, 1).frames, 2048U) << "never so few that a queue cannot be filled";
}

}  // namespace
}  // namespace sluice::io
