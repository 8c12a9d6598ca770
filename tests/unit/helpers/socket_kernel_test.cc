// Socket look-ups beside the running kernel's: real sockets in a network namespace of the test's own, a table here that
// says the same of them, and one program that asks both and copies out every field.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <thread>

#include <fmt/format.h>

#include "jit/jit.h"
#include "tests/support/bpf_syscall.h"
#include "tests/support/programs.h"
#include "tests/unit/helpers/support.h"
#include "verifier/verifier.h"
#include "vm/interpreter.h"
#include "vm/sockets.h"

namespace sluice::helpers::testing {
namespace {

using testing_support::Descriptor;
using testing_support::KernelProgram;
using vm::SocketState;

constexpr std::int32_t kFind = 84, kFindUdp = 85, kFindAny = 99;
constexpr std::size_t kFrame = 160, kTuple = 36, kAnswer = 40;  // bytes; where what was found is copied to

struct Question {
  std::int32_t helper = kFind;
  unsigned bytes = 12;
  std::int64_t name_space = -1;
  int flags = 0;
};

// Asks for the tuple at the start of the frame, copies what was found behind it; 2 = something was.
std::string program(const Question& question) {
  std::string text = "mov r6, r1\nldxw r7, [r1+0]\nldxw r8, [r1+4]\nmov r0, r7\n";
  text += fmt::format("add r0, {}\njgt r0, r8, none\n", kFrame);
  for (std::size_t i = 0; i < 48; i += 4) text += fmt::format("ldxw r1, [r7+{}]\nstxw [r10-{}], r1\n", i, 48 - i);
  text += fmt::format("mov r1, r6\nmov r2, r10\nadd r2, -48\nmov r3, {}\nlddw r4, {}\nmov r5, {}\ncall {}\n",
                      question.bytes, question.name_space, question.flags, question.helper);
  text += "jeq r0, 0, none\nmov r9, r0\n";
  for (std::size_t at = 0; at < sizeof(vm::Socket); at += 4) {
    if (question.helper == kFindAny && at >= 8 && at < 24) continue;  // full sockets'
    text += fmt::format("ldxw r1, [r9+{}]\nstxw [r7+{}], r1\n", at, kAnswer + at);
  }
  text += fmt::format("ldxb r1, [r9+49]\nstxb [r7+{}], r1\nldxh r1, [r9+48]\nstxh [r7+{}], r1\n", kAnswer + 80,
                      kAnswer + 82);
  text += fmt::format("mov r1, r9\ncall sk_release\nstxdw [r7+{}], r0\nmov r0, 2\nexit\n", kAnswer + 88);
  return text + "none: mov r0, 1\nexit\n";
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] bool six() const { return storage.ss_family == AF_INET6; }
  [[nodiscard]] const sockaddr_in& in() const { return reinterpret_cast<const sockaddr_in&>(storage); }
  [[nodiscard]] const sockaddr_in6& in6() const { return reinterpret_cast<const sockaddr_in6&>(storage); }
  [[nodiscard]] std::uint16_t port() const { return six() ? in6().sin6_port : in().sin_port; }  // network order
};

Address address(const char* text) {
  Address made;
  if (inet_pton(AF_INET, text, &reinterpret_cast<sockaddr_in&>(made.storage).sin_addr) == 1) {
    made.storage.ss_family = AF_INET;
    made.size = sizeof(sockaddr_in);
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text, &reinterpret_cast<sockaddr_in6&>(made.storage).sin6_addr), 1) << text;
    made.storage.ss_family = AF_INET6;
    made.size = sizeof(sockaddr_in6);
  }
  return made;
}

Address end_of(int fd, bool peer) {
  Address made;
  const int result = peer ? getpeername(fd, made.raw(), &made.size) : getsockname(fd, made.raw(), &made.size);
  EXPECT_EQ(result, 0);
  return made;
}

// Of a TCP socket.
SocketState state_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return static_cast<SocketState>(info.tcpi_state);
}

// Waits until the other side's kernel has answered.
void await(int fd, SocketState state) {
  for (int i = 0; i < 400 && state_of(fd) != state; ++i) usleep(5000);
  EXPECT_EQ(state_of(fd), state);
}

// What `fd` is, as a row; a socket that is bound or connected.
vm::SocketRow row_of(int fd, SocketState state, bool connected) {
  const Address local = end_of(fd, false);
  const auto option = [fd](int level, int name) {
    std::uint32_t value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
    return value;
  };
  vm::SocketRow row;
  vm::Socket& socket = row.socket;
  socket.family = local.storage.ss_family;
  socket.type = option(SOL_SOCKET, SO_TYPE);
  socket.protocol = option(SOL_SOCKET, SO_PROTOCOL);
  socket.mark = option(SOL_SOCKET, SO_MARK);
  socket.priority = option(SOL_SOCKET, SO_PRIORITY);
  socket.bound_dev_if = option(SOL_SOCKET, SO_BINDTOIFINDEX);
  socket.src_port = ntohs(local.port());
  socket.state = state;
  if (local.six()) row.ipv6_only = option(IPPROTO_IPV6, IPV6_V6ONLY) != 0;
  const auto copy = [](const Address& from, auto& ip4, auto& ip6) {
    if (from.six()) {
      std::memcpy(ip6.data(), &from.in6().sin6_addr, 16);
    } else {
      std::memcpy(ip4.data(), &from.in().sin_addr, 4);
    }
  };
  copy(local, socket.src_ip4, socket.src_ip6);
  if (!connected) return row;
  const Address peer = end_of(fd, true);
  copy(peer, socket.dst_ip4, socket.dst_ip6);
  socket.dst_port = peer.port();
  return row;
}

// The real sockets. Each step that the kernel refuses fails the test.
class World {
 public:
  struct How {
    bool v6_only = false;
    int mark = 0;
    bool to_loopback = false;
    std::uint16_t port = 0;  // 0 = any; another may be shared
  };
  int bound(int type, const char* text) { return bound(type, text, How{}); }
  int bound(int type, const char* text, const How& how) {
    Address at = address(text);
    const std::uint16_t port = htons(how.port);
    std::memcpy(reinterpret_cast<std::byte*>(&at.storage) + offsetof(sockaddr_in, sin_port), &port, sizeof port);
    const int fd = keep(socket(at.storage.ss_family, type, 0));
    const bool stream = type == SOCK_STREAM;
    const int on = 1;
    const int loopback = 1;
    const auto set = [fd](int level, int name, const int& value) {
      EXPECT_EQ(setsockopt(fd, level, name, &value, sizeof value), 0) << name;
    };
    if (how.port != 0) set(SOL_SOCKET, stream ? SO_REUSEPORT : SO_REUSEADDR, on);
    if (how.v6_only) set(IPPROTO_IPV6, IPV6_V6ONLY, on);
    if (how.mark != 0) set(SOL_SOCKET, SO_MARK, how.mark);
    if (how.mark != 0) set(SOL_SOCKET, SO_PRIORITY, on);
    if (how.to_loopback) set(SOL_SOCKET, SO_BINDTOIFINDEX, loopback);
    EXPECT_EQ(bind(fd, at.raw(), at.size), 0) << text;
    EXPECT_TRUE(!stream || listen(fd, 8) == 0);
    rows.push_back(row_of(fd, stream ? SocketState::kListen : SocketState::kClose, false));
    return fd;
  }
  // A connection to the listener `server` from its own address: who called, who took the call.
  std::pair<int, int> connection(int server) {
    const Address to = end_of(server, false);
    const int client = keep(socket(to.storage.ss_family, SOCK_STREAM, 0));
    EXPECT_EQ(connect(client, to.raw(), to.size), 0);
    return {client, keep(accept(server, nullptr, nullptr))};
  }
  void established(int fd) { rows.push_back(row_of(fd, SocketState::kEstablished, true)); }
  void talks_to(int fd, int other) {  // UDP
    const Address to = end_of(other, false);
    EXPECT_EQ(connect(fd, to.raw(), to.size), 0);
    rows.pop_back();
    rows.push_back(row_of(fd, SocketState::kEstablished, true));
  }
  void close_now(int fd) {
    for (Descriptor& one : open_) {
      if (one.get() == fd) one = Descriptor();
    }
  }

  std::vector<vm::SocketRow> rows;

 private:
  int keep(int fd) {
    EXPECT_GE(fd, 0) << std::strerror(errno);
    open_.emplace_back(fd);
    return fd;
  }
  std::vector<Descriptor> open_;
};

class Peers {
 public:
  Peers(const Question& question, const vm::Sockets& sockets) : Peers(program(question), sockets) {}
  Peers(const std::string& text, const vm::Sockets& sockets)
      : loaded_(testing_support::program_from_asm(text, vm::xdp_type())),
        theirs_(loaded_.insns.data(), loaded_.insns.size(), true),
        ours_(verifier::verify(loaded_, table()).take()) {
    EXPECT_GE(theirs_.fd(), 0) << "the kernel refuses the program";
    env_.sockets = &sockets;
  }

  // One frame that begins with `tuple`: both find the same and say the same of it. Returns whether they found any.
  bool agree(const std::array<std::byte, kTuple>& tuple, const std::string& what) {
    std::vector<std::byte> frame(kFrame);
    std::ranges::copy(tuple, frame.begin());
    return agree(std::move(frame), what);
  }
  bool agree(std::vector<std::byte> frame, const std::string& what) {
    const auto expected = theirs_.run(frame);
    EXPECT_EQ(expected.error, 0);
    const auto code = jit::compile(ours_, table());
    EXPECT_TRUE(code);
    for (const bool compiled : {false, true}) {
      std::vector<std::byte> memory(256 + kFrame + 64);
      vm::XdpContext context;
      context.hard_start = memory.data();
      context.data = context.data_meta = memory.data() + 256;
      context.data_end = context.data + kFrame;
      context.frame_end = memory.data() + memory.size();
      context.ingress_ifindex = 1;  // the loopback, on which the kernel runs test frames
      std::ranges::copy(frame, context.data);
      env_.frame = &context;
      std::uint32_t verdict = 0;
      if (compiled) {
        code->burst()(&context, 1, &verdict, &env_);
      } else {
        const auto result = vm::interpret(ours_, context, env_, table(), {.checked = true});
        EXPECT_FALSE(result.fault) << result.fault->what;
        verdict = static_cast<std::uint32_t>(result.r0);
      }
      EXPECT_EQ(verdict, expected.retval) << what << (compiled ? ", compiled" : ", interpreted");
      for (std::size_t i = 0; i < kFrame; ++i) {
        if (i >= kAnswer && is_left_over(i - kAnswer, expected.data)) continue;
        EXPECT_EQ(std::to_integer<int>(context.data[i]), std::to_integer<int>(expected.data[i]))
            << what << ": byte " << static_cast<int>(i) - static_cast<int>(kAnswer) << " of the socket";
      }
    }
    return expected.retval == 2;
  }

 private:
  // What the kernel happens to have in the fields of addresses of the other family (docs/differences.md), and which
  // queue connections over the loopback came by: it notes that of some.
  static bool is_left_over(std::size_t byte, const std::vector<std::byte>& frame) {
    vm::Socket theirs;
    std::memcpy(&theirs, frame.data() + kAnswer, sizeof theirs);
    const bool of_ip4 = (byte >= 24 && byte < 28) || (byte >= 52 && byte < 56);
    const bool of_ip6 = (byte >= 28 && byte < 44) || (byte >= 56 && byte < 72);
    const bool queue = byte >= 76 && byte < 80 && theirs.state != SocketState::kListen;
    return queue || (theirs.family == AF_INET ? of_ip6 : of_ip4);
  }

  vm::LoadedProgram loaded_;
  KernelProgram theirs_;
  vm::VerifiedProgram ours_;
  vm::ExecEnv env_;
};

std::array<std::byte, kTuple> tuple_of(bool six, const void* from, const void* to, std::uint16_t from_port,
                                       std::uint16_t to_port) {
  std::array<std::byte, kTuple> made{};
  const std::size_t each = six ? 16 : 4;
  std::memcpy(made.data(), from, each);
  std::memcpy(made.data() + each, to, each);
  std::memcpy(made.data() + 2 * each, &from_port, 2);
  std::memcpy(made.data() + 2 * each + 2, &to_port, 2);
  return made;
}

class SocketsInTheKernel : public ::testing::Test {
 protected:
  void SetUp() override { SLUICE_NEEDS_BPF(); }

  // Calls `body` in a thread with a namespace of its own, in which the loopback is up.
  template <typename Body>
  static void in_namespace(const Body& body) {
    std::string why;
    std::thread([&] {
      if (unshare(CLONE_NEWNET) != 0) {
        why = "no network namespace can be made";
        return;
      }
      const Descriptor any(socket(AF_INET, SOCK_DGRAM, 0));
      ifreq request{};
      std::strcpy(request.ifr_name, "lo");
      request.ifr_flags = IFF_UP | IFF_RUNNING;
      ASSERT_EQ(ioctl(any.get(), SIOCSIFFLAGS, &request), 0);
      body();
    }).join();
    if (!why.empty()) GTEST_SKIP() << why << ": nothing was compared";
  }

  // Whether look-ups of sockets in any state, and of full ones, find a socket by its peer.
  static bool finds(const World& world, std::int32_t helper, const vm::Socket& socket) {
    const vm::Sockets sockets(world.rows);
    Peers peers(Question{.helper = helper}, sockets);
    return peers.agree(tuple_of(false, socket.dst_ip4.data(), socket.src_ip4.data(), socket.dst_port,
                                htons(static_cast<std::uint16_t>(socket.src_port))),
                       "a look-up by peer");
  }

  // Every look-up of every socket's port by both families, from its peer and from others, to its address and others.
  static unsigned compare_all(const World& world) {
    const vm::Sockets sockets(world.rows);
    unsigned found = 0;
    for (const std::int32_t helper : {kFind, kFindUdp, kFindAny}) {
      for (const bool six : {false, true}) {
        Peers peers(Question{.helper = helper, .bytes = six ? 36U : 12U}, sockets);
        for (std::size_t i = 0; i < world.rows.size(); ++i) found += compare_row(world.rows[i].socket, six, peers, i);
      }
    }
    return found;
  }

 private:
  static unsigned compare_row(const vm::Socket& socket, bool six, Peers& peers, std::size_t number) {
    using Bytes = std::array<std::uint8_t, 16>;
    const auto wide = [](const auto& ip4) {
      Bytes made{};
      std::ranges::copy(ip4, made.begin());
      return made;
    };
    const bool own_family = six == (socket.family == AF_INET6);
    Bytes loopback{127, 0, 0, 1};
    if (six) {
      loopback = {};
      loopback[15] = 1;
    }
    const Bytes local = !own_family ? loopback : six ? socket.src_ip6 : wide(socket.src_ip4);
    const Bytes peer = !own_family ? loopback : six ? socket.dst_ip6 : wide(socket.dst_ip4);
    Bytes strange = loopback;
    strange[1] = 9;
    unsigned found = 0;
    const std::uint16_t port = htons(static_cast<std::uint16_t>(socket.src_port));
    for (const Bytes& to : {local, loopback, strange}) {
      for (const Bytes& from : {peer, loopback, strange}) {
        for (const std::uint16_t from_port : {socket.dst_port, htons(9)}) {
          const auto what = fmt::format("socket {}, IPv{}, to {}.{}, from {}.{}:{}", number, six ? 6 : 4, to[0], to[1],
                                        from[0], from[1], ntohs(from_port));
          found += peers.agree(tuple_of(six, from.data(), to.data(), from_port, port), what) ? 1 : 0;
        }
      }
    }
    return found;
  }
};

TEST_F(SocketsInTheKernel, AreTheOnesFoundHere) {
  in_namespace([] {
    World world;
    const int server = world.bound(SOCK_STREAM, "127.0.0.1", {.mark = 77});
    world.bound(SOCK_STREAM, "0.0.0.0");
    world.bound(SOCK_STREAM, "0.0.0.0", {.mark = 3, .to_loopback = true});
    const int server6 = world.bound(SOCK_STREAM, "::1");
    world.bound(SOCK_STREAM, "::");
    world.bound(SOCK_STREAM, "::", {.v6_only = true});
    const auto [client, served] = world.connection(server);
    world.established(client);
    world.established(served);
    const auto [client6, served6] = world.connection(server6);
    world.established(client6);
    world.established(served6);
    const int udp = world.bound(SOCK_DGRAM, "127.0.0.1", {.mark = 5});
    world.bound(SOCK_DGRAM, "0.0.0.0");
    world.bound(SOCK_DGRAM, "::");
    world.bound(SOCK_DGRAM, "::", {.v6_only = true});
    const int udp6 = world.bound(SOCK_DGRAM, "::1");
    world.talks_to(world.bound(SOCK_DGRAM, "127.0.0.1"), udp);
    world.talks_to(world.bound(SOCK_DGRAM, "::1"), udp6);
    EXPECT_GT(compare_all(world), 50U);
  });
}

// All on one port: who is preferred.
TEST_F(SocketsInTheKernel, ArePreferredInTheSameOrder) {
  in_namespace([] {
    World world;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      int mark = type == SOCK_STREAM ? 10 : 30;
      for (const char* const at : {"127.0.0.1", "0.0.0.0", "::1", "::"}) {
        world.bound(type, at, {.mark = ++mark, .port = 700});
        // TCP sockets with and without a port would have to share theirs, and then their order decides in the kernel.
        if (type == SOCK_DGRAM) world.bound(type, at, {.mark = ++mark, .to_loopback = true, .port = 700});
      }
      world.bound(type, "::", {.mark = ++mark, .port = 701});
      world.bound(type, "0.0.0.0", {.mark = ++mark, .port = 701});
    }
    const int udp = world.bound(SOCK_DGRAM, "127.0.0.1");
    world.talks_to(world.bound(SOCK_DGRAM, "127.0.0.1", {.mark = 90, .port = 700}), udp);
    EXPECT_GT(compare_all(world), 100U);
  });
}

TEST_F(SocketsInTheKernel, AreFoundInTheStatesOfTheirEnd) {
  in_namespace([] {
    World world;
    const int server = world.bound(SOCK_STREAM, "127.0.0.1");
    // Whoever hangs up first is in FIN_WAIT2 and then in TIME_WAIT, the other one in CLOSE_WAIT.
    const auto [half, other] = world.connection(server);
    EXPECT_EQ(shutdown(half, SHUT_WR), 0);
    await(half, SocketState::kFinWait2);
    await(other, SocketState::kCloseWait);
    world.rows.push_back(row_of(half, SocketState::kFinWait2, true));
    world.rows.push_back(row_of(other, SocketState::kCloseWait, true));
    const auto [first, second] = world.connection(server);
    world.rows.push_back(row_of(first, SocketState::kTimeWait, true));
    world.close_now(first);
    world.close_now(second);
    EXPECT_GT(compare_all(world), 5U);
    EXPECT_TRUE(finds(world, kFindAny, world.rows.back().socket)) << "in TIME_WAIT";
    EXPECT_FALSE(finds(world, kFind, world.rows.back().socket)) << "in TIME_WAIT";
  });
}

TEST_F(SocketsInTheKernel, AreAskedForWithTheSameSizesFlagsAndNamespaces) {
  in_namespace([] {
    World world;
    world.bound(SOCK_STREAM, "127.0.0.1");
    world.bound(SOCK_DGRAM, "127.0.0.1");
    const vm::Sockets sockets(world.rows);
    const auto ask = [&](const Question& question, const vm::Socket& socket) {
      Peers peers(question, sockets);
      const std::uint16_t port = htons(static_cast<std::uint16_t>(socket.src_port));
      return peers.agree(
          tuple_of(false, socket.src_ip4.data(), socket.src_ip4.data(), 9, port),
          fmt::format("{} bytes, namespace {}, flags {}", question.bytes, question.name_space, question.flags));
    };
    unsigned found = 0;
    for (const std::int32_t helper : {kFind, kFindUdp, kFindAny}) {
      const vm::Socket& socket = world.rows[helper == kFindUdp ? 1 : 0].socket;
      for (const unsigned bytes : {0U, 1U, 11U, 12U, 13U, 35U, 36U, 37U, 44U, 48U}) {
        found += ask({.helper = helper, .bytes = bytes}, socket) ? 1 : 0;
      }
      for (const std::int64_t name_space :
           {std::int64_t{-1}, std::int64_t{-2}, std::int64_t{INT32_MIN}, std::int64_t{INT32_MAX}, std::int64_t{0},
            std::int64_t{5}, std::int64_t{1} << 31, std::int64_t{0xffffffff}, std::int64_t{1} << 32,
            std::int64_t{INT64_MIN}, std::int64_t{0x1'8000'0000}}) {
        found += ask({.helper = helper, .name_space = name_space}, socket) ? 1 : 0;
      }
      for (const int flags : {1, 2, -1}) found += ask({.helper = helper, .flags = flags}, socket) ? 1 : 0;
    }
    EXPECT_EQ(found, 3U * (1 + 6)) << "12 bytes, and the namespaces whose lower half is negative";
  });
}

// Looks a TCP socket up by the tuple at the start of the frame, hands the headers at 48 and 88 to a helper of SYN
// cookies and puts its answer in front.
std::string cookie_program(std::int32_t helper, unsigned tuple_bytes, unsigned ip_bytes, unsigned tcp_bytes) {
  std::string text = "mov r6, r1\nldxw r7, [r1+0]\nldxw r8, [r1+4]\nmov r0, r7\n";
  text += fmt::format("add r0, {}\njgt r0, r8, none\nmov r1, r6\nmov r2, r7\nmov r3, {}\nmov r4, -1\n", kFrame,
                      tuple_bytes);
  text += "mov r5, 0\ncall skc_lookup_tcp\njeq r0, 0, none\nmov r9, r0\n";
  text += fmt::format("mov r1, r9\nmov r2, r7\nadd r2, 48\nmov r3, {}\nmov r4, r7\nadd r4, 88\nmov r5, {}\n", ip_bytes,
                      tcp_bytes);
  text += fmt::format("call {}\nstxdw [r7+0], r0\nmov r1, r9\ncall sk_release\nmov r0, 2\nexit\n", helper);
  return text + "none: mov r0, 1\nexit\n";
}

TEST_F(SocketsInTheKernel, SayTheSameOfSynCookies) {
  in_namespace([] {
    World world;
    const int server = world.bound(SOCK_STREAM, "127.0.0.1");
    world.bound(SOCK_STREAM, "::");
    world.bound(SOCK_STREAM, "::", {.v6_only = true});
    const auto [client, served] = world.connection(server);
    world.established(served);
    const vm::Sockets sockets(world.rows);
    for (const std::int32_t helper : {100, 110}) {
      for (const auto& [ip_bytes, tcp_bytes] :
           {std::pair{20U, 20U}, {40U, 20U}, {39U, 20U}, {19U, 20U}, {20U, 19U}, {40U, 24U}}) {
        for (const vm::SocketRow& row : world.rows) {
          const bool six = row.socket.family == AF_INET6;
          Peers peers(cookie_program(helper, six ? 36 : 12, ip_bytes, tcp_bytes), sockets);
          const std::uint16_t port = htons(static_cast<std::uint16_t>(row.socket.src_port));
          const std::array<std::uint8_t, 16> loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
          const auto tuple = six ? tuple_of(true, loopback.data(), loopback.data(), htons(9), port)
                                 : tuple_of(false, row.socket.src_ip4.data(), row.socket.src_ip4.data(),
                                            row.socket.dst_port != 0 ? row.socket.dst_port : htons(9), port);
          for (const unsigned version : {4U, 6U, 5U}) {
            for (const unsigned flags : {0U, 2U, 16U, 18U, 20U, 3U, 6U, 17U}) {
              for (const unsigned words : {5U, 6U, 4U}) {
                std::vector<std::byte> frame(kFrame);
                std::ranges::copy(tuple, frame.begin());
                frame[48] = static_cast<std::byte>(version << 4 | 5);
                frame[88 + 12] = static_cast<std::byte>(words << 4);
                frame[88 + 13] = static_cast<std::byte>(flags);
                EXPECT_TRUE(peers.agree(std::move(frame), fmt::format("helper {}, {} and {} bytes, IPv{}, flags {}",
                                                                      helper, ip_bytes, tcp_bytes, version, flags)));
              }
            }
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace sluice::helpers::testing
