// Socket look-ups over a table: who is found, by what, and what is said of SYN cookies.
#include <cerrno>

#include "tests/unit/helpers/support.h"
#include "vm/sockets.h"

namespace sluice::helpers::testing {
namespace {

using vm::Socket;
using vm::SocketState;

constexpr std::uint16_t be(std::uint16_t x) { return static_cast<std::uint16_t>(x << 8 | x >> 8); }
using Ip4 = std::array<std::uint8_t, 4>;
using Ip6 = std::array<std::uint8_t, 16>;
constexpr Ip4 kServer{192, 0, 2, 1}, kClient{198, 51, 100, 7}, kOther{198, 51, 100, 8};
constexpr Ip6 kServer6{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

struct Tuple4 {  // struct bpf_sock_tuple, linux/bpf.h
  Ip4 from, to;
  std::uint16_t from_port, to_port;
};
struct Tuple6 {
  Ip6 from, to;
  std::uint16_t from_port, to_port;
};
static_assert(sizeof(Tuple4) == 12 && sizeof(Tuple6) == 36);

// Rows by mark, which says which one was found.
std::vector<vm::SocketRow> rows() {
  const auto tcp = [](std::uint32_t mark, SocketState state, const Ip4& local, std::uint16_t port, const Ip4& peer = {},
                      std::uint16_t peer_port = 0) {
    return vm::SocketRow{.socket = {.type = 1,
                                    .protocol = vm::kTcp,
                                    .mark = mark,
                                    .src_ip4 = local,
                                    .src_port = port,
                                    .dst_port = be(peer_port),
                                    .dst_ip4 = peer,
                                    .state = state}};
  };
  std::vector<vm::SocketRow> made{
      tcp(1, SocketState::kListen, {}, 80),
      tcp(2, SocketState::kListen, kServer, 80),
      tcp(3, SocketState::kEstablished, kServer, 80, kClient, 1000),
      tcp(4, SocketState::kTimeWait, kServer, 80, kClient, 1001),
      tcp(5, SocketState::kNewSynRecv, kServer, 80, kClient, 1002),
      tcp(6, SocketState::kListen, {}, 90),
      {.socket = {.bound_dev_if = 7, .type = 1, .protocol = vm::kTcp, .mark = 7, .src_port = 90}},
      {.socket = {.family = vm::kInet6, .type = 1, .protocol = vm::kTcp, .mark = 8, .src_port = 91}},
      {.socket = {.family = vm::kInet6, .type = 1, .protocol = vm::kTcp, .mark = 9, .src_port = 92}, .ipv6_only = true},
      {.socket =
           {.family = vm::kInet6, .type = 1, .protocol = vm::kTcp, .mark = 10, .src_ip6 = kServer6, .src_port = 92}},
      {.socket = {.type = 2, .protocol = vm::kUdp, .mark = 11, .src_port = 53, .state = SocketState::kClose}},
      {.socket = {.type = 2,
                  .protocol = vm::kUdp,
                  .mark = 12,
                  .src_ip4 = kServer,
                  .src_port = 53,
                  .dst_port = be(1000),
                  .dst_ip4 = kClient,
                  .state = SocketState::kEstablished}},
  };
  return made;
}

class SocketTest : public HelperTest {
 protected:
  // The mark of what a look-up finds, 0 = nothing.
  template <typename Tuple>
  std::uint32_t found(const Tuple& tuple, std::int64_t name_space = -1, std::int64_t flags = 0,
                      std::size_t bytes = sizeof(Tuple)) {
    const auto* const socket =
        reinterpret_cast<const Socket*>(call(nullptr, &tuple, static_cast<std::int64_t>(bytes), name_space, flags));
    return socket == nullptr ? 0 : socket->mark;
  }
  void SetUp() override {
    HelperTest::SetUp();
    env_.sockets = &sockets_;
    env_.frame = &frame_;
    frame_.ingress_ifindex = 3;
  }
  const Socket* of_mark(std::uint32_t mark, std::uint16_t port, std::uint16_t from = 1) const {
    const auto* const socket = sockets_.find(vm::kTcp,
                                             {.family = mark >= 8 ? vm::kInet6 : vm::kInet,
                                              .source = wide(kClient),
                                              .destination = mark == 2 ? wide(kServer) : Ip6{},
                                              .source_port = be(from),
                                              .destination_port = be(port)},
                                             3);
    EXPECT_TRUE(socket != nullptr && socket->mark == mark);
    return socket;
  }
  static Ip6 wide(const Ip4& address) {
    Ip6 made{};
    std::ranges::copy(address, made.begin());
    return made;
  }

  vm::Sockets sockets_{rows()};
  vm::XdpContext frame_;
};

class SkLookupTcp : public SocketTest {};
class SkcLookupTcp : public SocketTest {};
class SkLookupUdp : public SocketTest {};
class SkRelease : public SocketTest {};
class TcpCheckSyncookie : public SocketTest {};
class TcpGenSyncookie : public SocketTest {};

TEST_F(SkLookupTcp, PrefersThePeerThenTheAddressThenAnybody) {
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1000), be(80)}), 3U);
  EXPECT_EQ(found(Tuple4{kOther, kServer, be(1000), be(80)}), 2U);
  EXPECT_EQ(found(Tuple4{kOther, kOther, be(1000), be(80)}), 1U);
  EXPECT_EQ(found(Tuple4{kOther, kOther, be(1000), be(81)}), 0U);
}

TEST_F(SkLookupTcp, FindsFullSocketsOnly) {
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1001), be(80)}), 0U) << "in TIME_WAIT";
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1002), be(80)}), 2U) << "a request's listener";
}

TEST_F(SkLookupTcp, FindsSocketsOfAPortByThatPortOnly) {
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1), be(90)}), 6U);
  frame_.ingress_ifindex = 7;
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1), be(90)}), 7U);
}

TEST_F(SkLookupTcp, FindsIpv6SocketsForIpv4UnlessTheySayNo) {
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1), be(91)}), 8U);
  EXPECT_EQ(found(Tuple6{{}, kServer6, be(1), be(91)}), 8U);
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1), be(92)}), 0U);
  EXPECT_EQ(found(Tuple6{{}, kServer6, be(1), be(92)}), 10U);
  EXPECT_EQ(found(Tuple6{{}, {}, be(1), be(92)}), 9U);
  EXPECT_EQ(found(Tuple6{{}, kServer6, be(1), be(80)}), 0U) << "IPv4 sockets are for IPv4";
}

TEST_F(SkLookupTcp, FindsNothingForOtherSizesFlagsAndNamespaces) {
  const Tuple4 tuple{kClient, kServer, be(1000), be(80)};
  for (const std::size_t bytes : {0U, 1U, 11U, 13U, 35U, 37U, 44U}) {
    std::array<std::byte, 64> room{};
    std::memcpy(room.data(), &tuple, sizeof tuple);
    EXPECT_EQ(found(room, -1, 0, bytes), 0U) << bytes;
  }
  EXPECT_EQ(found(tuple, -1, 1), 0U);
  for (const std::int64_t other : {std::int64_t{0}, std::int64_t{1}, std::int64_t{INT32_MAX}, std::int64_t{1} << 32}) {
    EXPECT_EQ(found(tuple, other), 0U) << other;
  }
  for (const std::int64_t own : {std::int64_t{-1}, std::int64_t{INT32_MIN}, std::int64_t{0xffffffff}}) {
    EXPECT_EQ(found(tuple, own), 3U) << own;
  }
  env_.sockets = nullptr;
  EXPECT_EQ(found(tuple), 0U);
}

TEST_F(SkcLookupTcp, FindsSocketsOfEveryState) {
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1000), be(80)}), 3U);
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1001), be(80)}), 4U);
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1002), be(80)}), 5U);
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1003), be(80)}), 2U);
}

TEST_F(SkLookupUdp, PrefersThePeer) {
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1000), be(53)}), 12U);
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1001), be(53)}), 11U);
  EXPECT_EQ(found(Tuple4{kClient, kServer, be(1000), be(80)}), 0U) << "that is a TCP port";
}

TEST_F(SkRelease, GivesZero) { EXPECT_EQ(call(of_mark(1, 80)), 0); }

struct Headers {
  std::array<std::byte, 40> ip{};
  std::array<std::byte, 20> tcp{};

  Headers(unsigned version, unsigned flags) {
    ip[0] = static_cast<std::byte>(version << 4 | 5);
    tcp[12] = std::byte{5 << 4};
    tcp[13] = static_cast<std::byte>(flags);
  }
};
constexpr unsigned kSyn = 2, kAck = 16, kRst = 4;

TEST_F(TcpCheckSyncookie, NobodyHasSentOne) {
  const Socket* const listener = of_mark(1, 80);
  const Headers ack(4, kAck);
  EXPECT_EQ(call(listener, ack.ip.data(), 20, ack.tcp.data(), 20), -ENOENT);
  EXPECT_EQ(call(listener, ack.ip.data(), 19, ack.tcp.data(), 20), -EINVAL);
  EXPECT_EQ(call(listener, ack.ip.data(), 20, ack.tcp.data(), 19), -EINVAL);
  EXPECT_EQ(call(&frame_, ack.ip.data(), 20, ack.tcp.data(), 20), -EINVAL) << "no socket of the table";
  const Headers reset(4, kAck | kRst);
  EXPECT_EQ(call(listener, reset.ip.data(), 1, reset.tcp.data(), 20), -ENOENT);
}

TEST_F(TcpGenSyncookie, NobodySendsOne) {
  const Socket* const listener = of_mark(1, 80);
  const Headers syn(4, kSyn);
  EXPECT_EQ(call(listener, syn.ip.data(), 20, syn.tcp.data(), 20), -ENOENT);
  EXPECT_EQ(call(listener, syn.ip.data(), 19, syn.tcp.data(), 20), -EINVAL);
  EXPECT_EQ(call(listener, syn.ip.data(), 20, syn.tcp.data(), 24), -EINVAL);
  EXPECT_EQ(call(&frame_, syn.ip.data(), 20, syn.tcp.data(), 20), -EINVAL) << "no socket of the table";
  const Headers ack(4, kAck);
  EXPECT_EQ(call(listener, ack.ip.data(), 20, ack.tcp.data(), 20), -EINVAL);
  const Headers six(6, kSyn);
  EXPECT_EQ(call(listener, six.ip.data(), 40, six.tcp.data(), 20), -EINVAL) << "an IPv4 socket";
  EXPECT_EQ(call(of_mark(8, 91), six.ip.data(), 40, six.tcp.data(), 20), -ENOENT);
  EXPECT_EQ(call(of_mark(8, 91), six.ip.data(), 39, six.tcp.data(), 20), -EINVAL);
  EXPECT_EQ(call(of_mark(9, 92), syn.ip.data(), 20, syn.tcp.data(), 20), -EINVAL) << "for IPv6 only";
  const Headers seven(7, kSyn);
  EXPECT_EQ(call(listener, seven.ip.data(), 40, seven.tcp.data(), 20), -EPROTONOSUPPORT);
}

TEST(SocketTable, RowsOfOneKeyClash) {
  const auto all = rows();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) EXPECT_EQ(vm::Sockets::clash(all[i], all[j]), i == j) << i << ' ' << j;
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
