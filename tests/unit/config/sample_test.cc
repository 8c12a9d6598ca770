// The design's own samples read whole: every value where it belongs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/support.h"

namespace sluice::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string good(const std::string& name) { return (tests_directory() / "config/good" / name).string(); }

std::vector<std::string> values(const std::vector<Text>& texts) {
  std::vector<std::string> out;
  for (const Text& text : texts) out.push_back(text.value);
  return out;
}

class EdgeRouter : public testing::Test {
 protected:
  EdgeRouter() : read_(read_file(good("edge-router.yaml"))) {}
  void SetUp() override { ASSERT_TRUE(read_.config) << read_.text(); }
  const Config& config() { return *read_.config; }
  Read read_;
};

TEST_F(EdgeRouter, HasItsPorts) {
  ASSERT_EQ(config().ports.size(), 3U);
  const Port& wan = config().ports[0];
  EXPECT_EQ(wan.name.value, "wan0");
  EXPECT_EQ(wan.device.value, "0000:af:00.0");
  EXPECT_EQ(wan.driver.value, "");
  EXPECT_EQ(wan.ifindex, 10U);
  EXPECT_EQ(wan.queues, 0U);
  EXPECT_EQ(wan.mtu, 1500U);
  EXPECT_TRUE(wan.promisc);
  EXPECT_FALSE(wan.mac);
  EXPECT_EQ(config().port("punt")->driver.value, "tap");
  EXPECT_EQ(config().port("punt")->ifindex, 99U);
  EXPECT_EQ(config().port("nobody"), nullptr);
}

TEST_F(EdgeRouter, HasItsProgramsWithPathsBesideTheFile) {
  ASSERT_EQ(config().programs.size(), 4U);
  const Program& firewall = config().programs[0];
  EXPECT_EQ(firewall.object.value, good("build/firewall.bpf.o"));
  EXPECT_EQ(firewall.function.value, "xdp_firewall");
  ASSERT_EQ(firewall.globals.size(), 2U);
  EXPECT_EQ(firewall.globals[0].first.value, "default_deny");
  EXPECT_EQ(firewall.globals[0].second.scalar, "true");
  EXPECT_EQ(firewall.globals[1].second.scalar, "10000");
  EXPECT_EQ(firewall.globals[1].second.mark.line, 24U);
  EXPECT_EQ(firewall.globals[1].second.mark.column, 22U);
  EXPECT_EQ(config().program("count_out")->function.value, "xdp_count_egress");
}

TEST_F(EdgeRouter, HasItsWiring) {
  ASSERT_EQ(config().pipelines.size(), 2U);
  const Pipeline& edge = *config().pipeline("edge");
  EXPECT_EQ(edge.entry.value, "firewall");
  EXPECT_EQ(edge.on_pass.value, "punt");
  EXPECT_EQ(edge.on_aborted, Pipeline::OnAborted::kDrop);
  ASSERT_EQ(edge.tail_calls.size(), 1U);
  EXPECT_EQ(edge.tail_calls[0].first.value, "stages");
  ASSERT_EQ(edge.tail_calls[0].second.size(), 2U);
  EXPECT_EQ(edge.tail_calls[0].second[1].slot.value, "STAGE_COUNT");
  EXPECT_EQ(edge.tail_calls[0].second[1].program.value, "count");
  EXPECT_TRUE(config().pipeline("out")->on_pass.value.empty());
  ASSERT_EQ(config().attach.size(), 2U);
  EXPECT_THAT(values(config().attach[0].ports), ElementsAre("wan0", "lan0"));
  EXPECT_EQ(config().attach[0].egress.value, "out");
  EXPECT_TRUE(config().attach[1].egress.value.empty());
}

TEST_F(EdgeRouter, HasItsMaps) {
  ASSERT_EQ(config().maps.size(), 9U);
  EXPECT_THAT(values(config().map("stages")->shared_by), ElementsAre("firewall", "router", "count"));
  EXPECT_TRUE(config().map("stats")->metrics);
  const Map& acl = *config().map("acl4");
  EXPECT_EQ(acl.file.value, good("acl4.json"));
  ASSERT_EQ(acl.entries.size(), 2U);
  EXPECT_EQ(acl.entries[1].key.scalar, "198.51.100.0/24");
  EXPECT_TRUE(acl.entries[1].key.quoted);
  EXPECT_EQ(acl.entries[1].value.find("action")->scalar, "ACL_ALLOW");
  EXPECT_EQ(acl.entries[1].value.find("reaction"), nullptr);
  const Map& open_ports = *config().map("open_ports");
  EXPECT_EQ(open_ports.key_type->scalar, "be16");
  ASSERT_EQ(open_ports.entries.size(), 3U);
  EXPECT_EQ(open_ports.entries[2].key.scalar, "22");
  EXPECT_EQ(open_ports.entries[2].value.scalar, "0");
  EXPECT_EQ(config().map("conntrack")->max_entries, 262144U);
  EXPECT_EQ(config().map("conntrack")->on_reload, Map::OnReload::kKeep);
  EXPECT_EQ(config().map("syn_buckets")->on_reload, Map::OnReload::kReset);
  EXPECT_EQ(config().map("routes4")->value_type->find("dmac")->scalar, "mac");
}

TEST_F(EdgeRouter, HasTheRest) {
  EXPECT_EQ(config().name, "edge-router");
  EXPECT_THAT(config().workers.cores, ElementsAre(2, 3, 4, 5));
  EXPECT_EQ(config().workers.main_core, 1U);
  EXPECT_EQ(config().workers.burst, 32U);
  EXPECT_EQ(config().control.socket.value, "/run/sluice/edge-router.sock");
  EXPECT_EQ(config().control.group.value, "sluice");
  EXPECT_EQ(config().control.http_listen.value, "127.0.0.1:9464");
  EXPECT_EQ(config().log_level, "info");
  EXPECT_EQ(config().dpdk.hugepages, Dpdk::Hugepages::kAuto);
  EXPECT_EQ(config().dpdk.memory_bytes, 1U << 30U);
  EXPECT_THAT(config().dpdk.eal, IsEmpty());
}

TEST(Samples, ATestFileIsTheDeployedFileWithItsKeysTakenAwayAndReplaced) {
  const Read read = read_file(good("edge-router.test.yaml"));
  ASSERT_TRUE(read.config) << read.text();
  EXPECT_EQ(read.config->ports.size(), 3U);
  EXPECT_TRUE(read.config->map("acl4")->file.value.empty()) << "null took it away";
  EXPECT_EQ(read.config->map("acl4")->entries.size(), 2U);
  EXPECT_EQ(read.config->name, "edge-router");
}

TEST(Samples, L2SwitchHasDevmapEntriesWithPrograms) {
  const Read read = read_file(good("l2-switch.yaml"));
  ASSERT_TRUE(read.config) << read.text();
  const Map& tx_ports = *read.config->map("tx_ports");
  ASSERT_EQ(tx_ports.entries.size(), 4U);
  EXPECT_EQ(tx_ports.entries[0].program.value, "flood_tx");
  EXPECT_TRUE(tx_ports.entries[3].program.value.empty());
  const Value& key = read.config->map("fdb")->entries[0].key;
  EXPECT_EQ(key.kind, Value::Kind::kMapping);
  EXPECT_EQ(key.find("mac")->scalar, "02:00:00:00:00:01");
  EXPECT_TRUE(read.config->control.present);
}

TEST(Samples, SocketsAreReadWithWhatTheyLeaveOut) {
  const Read read = read_file(good("sockets.yaml"));
  ASSERT_TRUE(read.config) << read.text();
  const std::vector<Socket>& sockets = read.config->sockets;
  ASSERT_EQ(sockets.size(), 7U);
  EXPECT_EQ(sockets[0].local.address, IpAddress{});
  EXPECT_EQ(sockets[0].local.port, 80);
  EXPECT_FALSE(sockets[0].remote || sockets[0].state || sockets[0].ipv6_only);
  EXPECT_TRUE(sockets[1].local.address.is_ipv6);
  EXPECT_EQ(sockets[1].port.value, "wan0");
  EXPECT_EQ(sockets[1].so_mark, 7U);
  EXPECT_TRUE(sockets[2].ipv6_only);
  ASSERT_TRUE(sockets[3].remote);
  EXPECT_EQ(sockets[3].remote->address.bytes[3], 7);
  EXPECT_EQ(sockets[3].remote->port, 41000);
  EXPECT_EQ(sockets[4].state, Socket::State::kTimeWait);
  EXPECT_EQ(sockets[5].protocol, Socket::Protocol::kUdp);
  EXPECT_EQ(sockets[5].priority, 3U);
}

}  // namespace
}  // namespace sluice::config
