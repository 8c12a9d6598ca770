#pragma once
// One EAL for the test binary, without huge pages; pools, frames and pipelines for tests of dataplane/io.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/io/buffers.h"
#include "dataplane/io/eal.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/stats.h"
#include "helpers/table.h"
#include "tests/support/programs.h"

namespace sluice::io {

class EalEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    auto started = Eal::start({.workers = 2, .memory_bytes = 192U << 20, .hugepages = config::Dpdk::Hugepages::kNever});
    ASSERT_TRUE(started) << started.error().message;
    eal_ = std::make_unique<Eal>(std::move(started).value());
  }
  void TearDown() override { eal_.reset(); }

 private:
  std::unique_ptr<Eal> eal_;
};

// A pool no other test has; every frame must be back when it goes.
class TestPool {
 public:
  explicit TestPool(std::uint32_t frames, std::uint32_t room = 2048) {
    static int number = 0;
    auto made = make_pool("test" + std::to_string(number++), frames, room, 0);
    EXPECT_TRUE(made) << made.error().message;
    if (made) pool_ = std::move(made).value();
  }
  ~TestPool() { EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U) << "frames were lost"; }
  TestPool(const TestPool&) = delete;
  TestPool& operator=(const TestPool&) = delete;
  [[nodiscard]] rte_mempool* get() const { return pool_.get(); }

  // A frame of `size` bytes 0, 1, 2, ...
  [[nodiscard]] rte_mbuf* frame(std::uint16_t size) const {
    rte_mbuf* const made = rte_pktmbuf_alloc(get());
    EXPECT_NE(made, nullptr);
    auto* const data = reinterpret_cast<unsigned char*>(rte_pktmbuf_append(made, size));
    for (unsigned i = 0; i < size; ++i) data[i] = static_cast<unsigned char>(i);
    return made;
  }

 private:
  Pool pool_;
};

inline std::vector<unsigned> content(const rte_mbuf& frame) {
  const auto* const data = rte_pktmbuf_mtod(&frame, const unsigned char*);
  return {data, data + frame.data_len};
}

// Ports a, b of ifindex 1, 2; `text` is the program of what comes in by a, whose XDP_PASS goes to b. `on_cpu`: another
// stage, of type xdp/cpumap.
inline std::unique_ptr<pipeline::Pipeline> pipeline_of(const std::string& text, const testing_support::Maps& maps = {},
                                                       const std::string& on_cpu = {}) {
  pipeline::Pipeline::Parts parts{.ports = {{.name = "a", .ifindex = 1, .ingress = 0}, {.name = "b", .ifindex = 2}},
                                  .chains = {{.name = "main", .entry = 0, .on_pass = 1}}};
  const auto add = [&](const std::string& name, const std::string& program, const vm::ProgramType& type) {
    auto runner = pipeline::Runner::make(testing_support::unverified(program, type, maps), pipeline::Engine::kInterp,
                                         helpers::table());
    EXPECT_TRUE(runner);
    const vm::ProgramSlot slot = runner->slot(static_cast<std::uint16_t>(parts.stages.size()));
    parts.stages.push_back(
        std::make_unique<pipeline::Stage>(pipeline::Stage{.name = name, .runner = std::move(*runner), .slot = slot}));
  };
  add("only", text, vm::xdp_type());
  if (!on_cpu.empty()) add("on_cpu", on_cpu, vm::xdp_cpumap_type());
  for (const auto& map : maps) parts.maps.push_back({.name = map->spec().name, .objects = {}, .map = map, .btf = {}});
  return std::make_unique<pipeline::Pipeline>(std::move(parts));
}

// A CPUMAP for `cpus` workers with an entry for each, where `waiting` frames may wait.
inline std::shared_ptr<vm::Map> cpumap_of(std::uint32_t cpus, std::uint32_t waiting) {
  std::shared_ptr<vm::Map> map =
      std::move(*vm::make_map({.name = "cpus", .type = vm::MapType::kCpumap, .max_entries = 8}, cpus));
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    EXPECT_EQ(map->write(reinterpret_cast<const std::byte*>(&cpu), reinterpret_cast<const std::byte*>(&waiting),
                         vm::UpdateMode::kAny),
              0);
  }
  return map;
}

}  // namespace sluice::io
