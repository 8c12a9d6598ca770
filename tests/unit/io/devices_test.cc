#include "dataplane/io/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/io/eal.h"

namespace sluice::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

config::Port port(std::string_view driver, std::string device) {
  config::Port out;
  out.name.value = "p";
  out.driver.value = driver;
  out.device.value = std::move(device);
  out.mark = {.file = "f.yaml", .line = 3, .column = 5};
  return out;
}

std::string said(const config::Port& given) {
  const auto device = device_of(given, 0, 1);
  EXPECT_FALSE(device.has_value());
  if (device) return {};
  EXPECT_EQ(device.error().code, ErrorCode::kConfig);
  EXPECT_THAT(device.error().message, HasSubstr("f.yaml:3:5: port p: "));
  return device.error().message;
}

TEST(Devices, TheDriverIsGuessedByTheLookOfTheDevice) {
  for (const auto& [device, driver] :
       std::initializer_list<std::pair<const char*, const char*>>{{"0000:3b:00.0", "pci"},
                                                                  {"3b:00.1", "pci"},
                                                                  {"eth0", "af_packet"},
                                                                  {"3b:00.9", "af_packet"},
                                                                  {"a.b", "af_packet"}}) {
    for (const std::string_view said : {"", "auto"}) {
      const auto made = device_of(port(said, device), 0, 1);
      ASSERT_TRUE(made) << device;
      EXPECT_EQ(made->driver->name, driver) << device;
    }
  }
  config::Port files = port("", "");
  files.rx.value = "in.pcap";
  EXPECT_EQ(device_of(files, 0, 1)->driver->name, "pcap");
}

TEST(Devices, EveryDriverHasItsArguments) {
  EXPECT_EQ(device_of(port("af_packet", "eth1"), 3, 2)->name, "net_af_packet3");
  EXPECT_EQ(device_of(port("af_packet", "eth1"), 3, 2)->args,
            "iface=eth1,qpairs=2,qdisc_bypass=1,framesz=2048,blocksz=65536,framecnt=2048");
  EXPECT_EQ(device_of(port("af_xdp", "eth1"), 0, 1)->args, "iface=eth1,start_queue=0,queue_count=1");
  EXPECT_EQ(device_of(port("tap", "t0"), 0, 2)->args, "iface=t0");
  EXPECT_EQ(device_of(port("null", ""), 0, 2)->args, "size=64,copy=1");
  EXPECT_EQ(device_of(port("memif", "/run/m"), 0, 2)->args, "role=server,socket=/run/m,socket-abstract=no");
  EXPECT_EQ(device_of(port("vhost", "/run/v"), 0, 2)->args, "iface=/run/v,queues=2");
  EXPECT_EQ(device_of(port("virtio_user", "/run/v"), 0, 2)->args, "path=/run/v,queues=2,queue_size=1024");
  EXPECT_EQ(device_of(port("pci", "0000:01:00.0"), 0, 2)->args, "");
  EXPECT_EQ(device_of(port("pci", "0000:01:00.0"), 0, 2)->name, "0000:01:00.0");
  config::Port files = port("pcap", "");
  files.tx.value = "out.pcap";
  EXPECT_EQ(device_of(files, 0, 1)->args, "infinite_rx=0,tx_pcap=out.pcap");
  files.rx.value = "in.pcap";
  EXPECT_EQ(device_of(files, 0, 1)->args, "rx_pcap=in.pcap,tx_pcap=out.pcap");
  config::Port raw = port("null", "");
  raw.devargs.value = "size=1500";
  EXPECT_EQ(device_of(raw, 0, 1)->args, "size=1500");
}

TEST(Devices, AfPacketsSlotsHoldTheLongestFrameInWholePages) {
  config::Port jumbo = port("af_packet", "eth1");
  for (jumbo.mtu = 68; jumbo.mtu <= 9190; jumbo.mtu += 1) {
    const auto made = device_of(jumbo, 0, 1);
    unsigned slot = 0;
    unsigned block = 0;
    unsigned count = 0;
    ASSERT_EQ(std::sscanf(made->args.c_str(), "iface=eth1,qpairs=1,qdisc_bypass=1,framesz=%u,blocksz=%u,framecnt=%u",
                          &slot, &block, &count),
              3);
    ASSERT_GE(slot, longest_frame(jumbo.mtu) + 66);
    ASSERT_EQ(slot % 16, 0U);
    ASSERT_EQ(block % 4096, 0U);
    ASSERT_GE(block, slot);
    ASSERT_EQ(count % (block / slot), 0U);
  }
}

TEST(Devices, QueuesAreOneAWorkerWithinWhatTheDriverHas) {
  EXPECT_EQ(device_of(port("af_packet", "e"), 0, 4)->queues, 4);
  EXPECT_EQ(device_of(port("af_packet", "e"), 0, 64)->queues, 16);
  EXPECT_EQ(device_of(port("ring", ""), 0, 4)->queues, 1);
  EXPECT_EQ(device_of(port("af_xdp", "e"), 0, 2)->queues, 1) << "how many the interface has only its owner knows";
  config::Port two = port("af_xdp", "e");
  two.queues = 2;
  EXPECT_EQ(device_of(two, 0, 1)->queues, 2);
}

TEST(Devices, WhatIsMissingOrAmbiguousIsNamedWithItsPlace) {
  EXPECT_THAT(said(port("", "")), HasSubstr("neither 'driver', 'device' nor 'rx'"));
  EXPECT_THAT(said(port("", "/run/x.sock")), HasSubstr("memif, vhost or virtio_user"));
  EXPECT_THAT(said(port("tap", "")), HasSubstr("driver tap needs 'device'"));
  EXPECT_THAT(said(port("pcap", "")), HasSubstr("'rx', a capture to receive from"));
  EXPECT_THAT(said(port("nosuch", "x")), HasSubstr("'nosuch' is not known"));
  config::Port jumbo = port("af_xdp", "e");
  jumbo.mtu = 3307;
  EXPECT_THAT(said(jumbo), HasSubstr("up to 3328 bytes: 'mtu' can be 3306 at most"));
  jumbo.mtu = 3306;
  EXPECT_TRUE(device_of(jumbo, 0, 1).has_value());
  EXPECT_THAT(said(port("af_packet", "e,iface=f")), HasSubstr("DPDK cannot take"));
}

EalPlan plan_of(unsigned workers, std::vector<unsigned> cores) {
  return {.workers = workers, .cores = std::move(cores)};
}

TEST(EalArguments, WorkersAreDealtOverTheCoresAndTheMainThreadKeepsAway) {
  EXPECT_THAT(*eal_arguments(plan_of(2, {}), {0, 1}, true),
              ElementsAre("sluice", "--lcores", "0@0,1@1,2@1", "--main-lcore", "0", "--no-telemetry", "--no-pci",
                          "--in-memory"));
  EXPECT_EQ((*eal_arguments(plan_of(3, {0, 2}), {0, 1, 2}, true))[2], "0@1,1@0,2@2,3@0");
  EXPECT_EQ((*eal_arguments(plan_of(1, {}), {5}, true))[2], "0@5,1@5");
  EalPlan main = plan_of(2, {});
  main.main_core = 1;
  EXPECT_EQ((*eal_arguments(main, {0, 1, 2}, true))[2], "0@1,1@0,2@2");
}

TEST(EalArguments, WithoutHugePagesTheMemoryIsAskedForInAdvance) {
  EalPlan plan = plan_of(1, {});
  plan.memory_bytes = (100U << 20) + 1;
  plan.pci = true;
  plan.extra = {"--log-level=8"};
  EXPECT_THAT(*eal_arguments(plan, {0, 1}, false),
              IsSupersetOf({"--no-huge", "--no-shconf", "-m", "165", "--log-level=8"}));
  EXPECT_THAT(*eal_arguments(plan, {0, 1}, false), testing::Not(testing::Contains("--no-pci")));
}

TEST(EalArguments, ACpuThatIsNotThereIsAMistakeOfTheConfiguration) {
  const auto args = eal_arguments(plan_of(1, {9}), {0, 1}, true);
  ASSERT_FALSE(args.has_value());
  EXPECT_EQ(args.error().code, ErrorCode::kConfig);
  EXPECT_THAT(args.error().message, HasSubstr("CPU 9 is not one this process may run on (0, 1)"));
}

}  // namespace
}  // namespace sluice::io
