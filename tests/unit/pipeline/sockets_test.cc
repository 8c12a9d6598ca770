// Sockets of a pipeline file: the rows that programs read.
#include <gtest/gtest.h>

#include "dataplane/pipeline/sockets.h"
#include "tests/unit/pipeline/loading.h"

namespace sluice::pipeline {
namespace {

using vm::Socket;
using vm::SocketState;

constexpr std::uint16_t be(std::uint16_t x) { return static_cast<std::uint16_t>(x << 8 | x >> 8); }
constexpr vm::FibAddress kServer{192, 0, 2, 1}, kClient{198, 51, 100, 7};
constexpr std::uint32_t kPortA = 1, kPortB = 2;

vm::SocketTuple tuple(const vm::FibAddress& from, std::uint16_t from_port, const vm::FibAddress& to,
                      std::uint16_t to_port, std::uint32_t family = vm::kInet) {
  return {.family = family,
          .source = from,
          .destination = to,
          .source_port = be(from_port),
          .destination_port = be(to_port)};
}

TEST(PipelineSockets, AreReadAsListed) {
  const auto loading = load_text(R"(
sockets:
  - {protocol: tcp, local: "0.0.0.0:80"}
  - {protocol: tcp, local: "192.0.2.1:80", remote: "198.51.100.7:1000", mark: 7, priority: 3}
  - {protocol: tcp, local: "192.0.2.1:80", remote: "198.51.100.7:1001", state: time_wait}
  - {protocol: tcp, local: "192.0.2.1:80", remote: "198.51.100.7:1002", state: syn_recv}
  - {protocol: udp, local: "[2001:db8::1]:53", port: b}
  - {protocol: udp, local: "[::]:54", ipv6_only: true}
)");
  ASSERT_NE(loading->pipeline, nullptr) << loading->said();
  const vm::Sockets* const sockets = loading->pipeline->sockets();
  ASSERT_NE(sockets, nullptr);

  const Socket* const listener = sockets->find(vm::kTcp, tuple(kClient, 9, kServer, 80), kPortA);
  ASSERT_NE(listener, nullptr);
  EXPECT_EQ(listener->state, SocketState::kListen);
  EXPECT_EQ(listener->src_port, 80U);
  EXPECT_EQ(listener->dst_port, 0U);
  EXPECT_EQ(listener->family, vm::kInet);
  EXPECT_EQ(listener->type, 1U);
  EXPECT_EQ(listener->protocol, vm::kTcp);
  EXPECT_EQ(listener->rx_queue_mapping, -1);

  const Socket* const connection = sockets->find(vm::kTcp, tuple(kClient, 1000, kServer, 80), kPortA);
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->state, SocketState::kEstablished);
  EXPECT_EQ(connection->mark, 7U);
  EXPECT_EQ(connection->priority, 3U);
  EXPECT_EQ(connection->dst_port, be(1000));
  EXPECT_EQ(connection->src_ip4, (std::array<std::uint8_t, 4>{192, 0, 2, 1}));
  EXPECT_EQ(connection->dst_ip4, (std::array<std::uint8_t, 4>{198, 51, 100, 7}));

  EXPECT_EQ(sockets->find(vm::kTcp, tuple(kClient, 1001, kServer, 80), kPortA)->state, SocketState::kTimeWait);
  EXPECT_EQ(sockets->find(vm::kTcp, tuple(kClient, 1002, kServer, 80), kPortA)->state, SocketState::kNewSynRecv);
  EXPECT_EQ(sockets->find_full(vm::kTcp, tuple(kClient, 1002, kServer, 80), kPortA), listener);

  const vm::FibAddress six{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(sockets->find(vm::kUdp, tuple({}, 9, six, 53, vm::kInet6), kPortA), nullptr);
  const Socket* const bound = sockets->find(vm::kUdp, tuple({}, 9, six, 53, vm::kInet6), kPortB);
  ASSERT_NE(bound, nullptr);
  EXPECT_EQ(bound->bound_dev_if, kPortB);
  EXPECT_EQ(bound->src_ip6, six);
  EXPECT_EQ(bound->state, SocketState::kClose);
  EXPECT_EQ(bound->type, 2U);
  EXPECT_NE(sockets->find(vm::kUdp, tuple({}, 9, six, 54, vm::kInet6), kPortA), nullptr);
  EXPECT_EQ(sockets->find(vm::kUdp, tuple(kClient, 9, kServer, 54), kPortA), nullptr);
}

TEST(PipelineSockets, AreNoneUnlessTheyAreListed) {
  for (const char* const text : {"", "sockets: []\n"}) {
    const auto loading = load_text(text);
    ASSERT_NE(loading->pipeline, nullptr) << loading->said();
    EXPECT_EQ(loading->pipeline->sockets(), nullptr);
  }
}

}  // namespace
}  // namespace sluice::pipeline
