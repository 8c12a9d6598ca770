// The running kernel as the oracle of fib_lookup and check_mtu: a network namespace with the ports, routes and
// neighbours of a pipeline file answers the same questions, byte by byte. Skips, and says so, where no namespace can be
// made or the command `ip` is missing.
#include <sched.h>

#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "dataplane/config/scalar.h"
#include "dataplane/pipeline/fib.h"
#include "helpers/table.h"
#include "tests/support/bpf_syscall.h"
#include "tests/support/programs.h"
#include "tests/unit/pipeline/loading.h"
#include "vm/interpreter.h"

namespace sluice::pipeline {
namespace {

using testing_support::KernelProgram;
using testing_support::KernelRun;

constexpr std::string_view kFile = R"(
version: 1
ports:
  lo: {ifindex: 1, mtu: 9000}
  a: {ifindex: 30, mtu: 1400, mac: "02:00:00:00:00:0a"}
  b: {ifindex: 31, mtu: 1500, mac: "02:00:00:00:00:0b"}
  c: {ifindex: 32, mtu: 1300, mac: "02:00:00:00:00:0c"}
fib:
  ports:
    lo: {forward_ipv4: false, forward_ipv6: false}
    c: {forward_ipv4: false, forward_ipv6: false}
  routes:
    - {to: 192.0.2.1/32, port: a, type: local, src: 192.0.2.1}
    - {to: 192.0.2.0/24, port: a, src: 192.0.2.1}
    - {to: 198.51.100.0/24, port: b, src: 192.0.2.1}
    - {to: 198.51.100.128/25, port: a, metric: 20, src: 192.0.2.1}
    - {to: 198.51.100.128/25, port: b, metric: 10, src: 192.0.2.1}
    - {to: 10.0.0.0/8, port: a, via: 192.0.2.254, metric: 5, src: 192.0.2.1}
    - {to: 10.1.0.0/16, type: blackhole}
    - {to: 10.2.0.0/16, type: unreachable}
    - {to: 10.3.0.0/16, type: prohibit}
    - {to: 10.4.0.0/16, port: b, via: "2001:db8:2::fe", src: 192.0.2.1}
    - {to: 10.5.0.0/16, port: c, src: 192.0.2.1}
    - {to: 10.6.0.0/16, port: a, via: 192.0.2.253, src: 192.0.2.1}
    - {to: 10.7.0.0/16, port: b, table: 77, src: 192.0.2.1}
    - {to: "2001:db8:1::1/128", port: a, type: local, metric: 0}
    - {to: "2001:db8:1::1/128", port: a, metric: 256, src: "2001:db8:1::1"}
    - {to: "2001:db8:1::/64", port: a, src: "2001:db8:1::1"}
    - {to: "2001:db8:2::/64", port: b, src: "2001:db8:1::1"}
    - {to: "2001:db8:10::/48", port: a, via: "2001:db8:1::fe", metric: 7, src: "2001:db8:1::1"}
    - {to: "2001:db8:11::/48", type: blackhole}
    - {to: "2001:db8:12::/48", type: unreachable}
    - {to: "2001:db8:13::/48", type: prohibit}
    - {to: "2001:db8:14::/48", port: b, table: 77, src: "2001:db8:1::1"}
    - {to: "2001:db8:15::/48", port: b, via: "fe80::fe", src: "2001:db8:1::1"}
  neighbours:
    - {address: 192.0.2.254, port: a, mac: "02:00:00:00:aa:fe"}
    - {address: 192.0.2.7, port: a, mac: "02:00:00:00:aa:07"}
    - {address: 198.51.100.7, port: b, mac: "02:00:00:00:bb:07"}
    - {address: 198.51.100.200, port: b, mac: "02:00:00:00:bb:c8"}
    - {address: 198.51.100.200, port: a, mac: "02:00:00:00:aa:c8"}
    - {address: "2001:db8:1::fe", port: a, mac: "02:00:00:01:aa:fe"}
    - {address: "2001:db8:2::fe", port: b, mac: "02:00:00:01:bb:fe"}
    - {address: "fe80::fe", port: b, mac: "02:00:00:02:bb:fe"}
)";

// The same, in the words of ip(8).
constexpr const char* kCommands = R"(set -e
ip link set lo up mtu 9000
for port in a:30:0a:1400 b:31:0b:1500 c:32:0c:1300; do
  IFS=: read name index mac mtu <<END
$port
END
  ip link add name $name index $index address 02:00:00:00:00:$mac type veth peer name peer_$name
  ip link set dev $name addrgenmode none
  ip link set dev $name up mtu $mtu
  ip link set dev peer_$name addrgenmode none
  ip link set dev peer_$name up
  echo 1 > /proc/sys/net/ipv4/conf/$name/forwarding
  echo 1 > /proc/sys/net/ipv6/conf/$name/forwarding
done
echo 0 > /proc/sys/net/ipv4/conf/c/forwarding
echo 0 > /proc/sys/net/ipv6/conf/c/forwarding
ip addr add 192.0.2.1/32 dev a
ip addr add 2001:db8:1::1/128 dev a nodad
ip route add 192.0.2.0/24 dev a src 192.0.2.1
ip route add 198.51.100.0/24 dev b src 192.0.2.1
ip route add 198.51.100.128/25 dev a metric 20 src 192.0.2.1
ip route add 198.51.100.128/25 dev b metric 10 src 192.0.2.1
ip route add 10.0.0.0/8 via 192.0.2.254 dev a metric 5 src 192.0.2.1
ip route add blackhole 10.1.0.0/16
ip route add unreachable 10.2.0.0/16
ip route add prohibit 10.3.0.0/16
ip route add 10.5.0.0/16 dev c src 192.0.2.1
ip route add 10.6.0.0/16 via 192.0.2.253 dev a src 192.0.2.1
ip route add 10.7.0.0/16 dev b table 77 src 192.0.2.1
ip -6 route add 2001:db8:1::/64 dev a src 2001:db8:1::1
ip -6 route add 2001:db8:2::/64 dev b src 2001:db8:1::1
ip route add 10.4.0.0/16 via inet6 2001:db8:2::fe dev b src 192.0.2.1
ip -6 route add 2001:db8:10::/48 via 2001:db8:1::fe dev a metric 7 src 2001:db8:1::1
ip -6 route add blackhole 2001:db8:11::/48
ip -6 route add unreachable 2001:db8:12::/48
ip -6 route add prohibit 2001:db8:13::/48
ip -6 route add 2001:db8:14::/48 dev b table 77 src 2001:db8:1::1
ip -6 route add 2001:db8:15::/48 via fe80::fe dev b src 2001:db8:1::1
ip neigh add 192.0.2.254 lladdr 02:00:00:00:aa:fe dev a
ip neigh add 192.0.2.7 lladdr 02:00:00:00:aa:07 dev a
ip neigh add 198.51.100.7 lladdr 02:00:00:00:bb:07 dev b
ip neigh add 198.51.100.200 lladdr 02:00:00:00:bb:c8 dev b
ip neigh add 198.51.100.200 lladdr 02:00:00:00:aa:c8 dev a
ip neigh add 2001:db8:1::fe lladdr 02:00:00:01:aa:fe dev a
ip neigh add 2001:db8:2::fe lladdr 02:00:00:01:bb:fe dev b
ip neigh add fe80::fe lladdr 02:00:00:02:bb:fe dev b
)";

// Copies 64 bytes of the frame to the stack, asks with the flags that follow, and copies the answer back.
std::string question() {
  std::string text =
      "mov r6, r1\nldxw r7, [r1+0]\nldxw r8, [r1+4]\nmov r2, r7\nadd r2, 72\nmov r0, 99\n"
      "jgt r2, r8, out\n";
  for (int at = 0; at < 64; at += 8) text += fmt::format("ldxdw r2, [r7+{}]\nstxdw [r10-{}], r2\n", at, 64 - at);
  text += "mov r2, r10\nadd r2, -64\nmov r3, 64\nldxw r4, [r7+64]\ncall fib_lookup\n";
  for (int at = 0; at < 64; at += 8) text += fmt::format("ldxdw r2, [r10-{}]\nstxdw [r7+{}], r2\n", 64 - at, at);
  return text + "out: exit\n";
}

// The same for check_mtu: the length at 0, ifindex at 4, the difference at 8.
constexpr std::string_view kMtuQuestion = R"(
      ldxw r7, [r1+0]
      ldxw r8, [r1+4]
      mov r2, r7
      add r2, 72
      mov r0, 99
      jgt r2, r8, out
      ldxw r2, [r7+0]
      stxw [r10-4], r2
      ldxw r2, [r7+4]
      mov r3, r10
      add r3, -4
      ldxw r4, [r7+8]
      mov r5, 0
      call check_mtu
      ldxw r2, [r10-4]
      stxw [r7+0], r2
out:  exit
)";

class Peers {
 public:
  Peers(const std::string& text, const vm::Fib& fib)
      : loaded_(testing_support::program_from_asm(text, vm::xdp_type())),
        theirs_(loaded_.insns.data(), loaded_.insns.size()),
        ours_(testing_support::unverified(loaded_)) {
    env_.fib = &fib;
    EXPECT_GE(theirs_.fd(), 0) << "the kernel refuses the program";
  }
  // The same answer to `frame` here and there; the kernel runs it in this thread's namespace. False when they differ.
  ::testing::AssertionResult agree(std::vector<std::byte> frame) {
    const KernelRun expected = theirs_.run(frame);
    if (expected.error != 0) return ::testing::AssertionFailure() << "error " << expected.error;
    vm::XdpContext context;
    std::vector<std::byte> memory(256 + frame.size() + 64);
    context.hard_start = memory.data();
    context.data = context.data_meta = memory.data() + 256;
    context.data_end = context.data + frame.size();
    context.frame_end = memory.data() + memory.size();
    context.ingress_ifindex = 1;
    std::memcpy(context.data, frame.data(), frame.size());
    const vm::RunResult result = vm::interpret(ours_, context, env_, helpers::table());
    answers_.insert(static_cast<std::int32_t>(result.r0));
    if (static_cast<std::int32_t>(result.r0) != static_cast<std::int32_t>(expected.retval)) {
      return ::testing::AssertionFailure() << "answer " << static_cast<std::int32_t>(result.r0) << ", the kernel's is "
                                           << static_cast<std::int32_t>(expected.retval);
    }
    for (std::size_t i = 0; i < frame.size(); ++i) {
      if (context.data[i] == expected.data[i]) continue;
      return ::testing::AssertionFailure()
             << "byte " << i << " is " << static_cast<int>(context.data[i]) << ", the kernel's is "
             << static_cast<int>(expected.data[i]) << ", both answer " << static_cast<std::int32_t>(result.r0);
    }
    return ::testing::AssertionSuccess();
  }
  [[nodiscard]] const std::set<std::int32_t>& answers() const { return answers_; }

 private:
  vm::LoadedProgram loaded_;
  KernelProgram theirs_;
  vm::VerifiedProgram ours_;
  vm::ExecEnv env_;
  std::set<std::int32_t> answers_;
};

class FibInTheKernel : public ::testing::Test {
 protected:
  void SetUp() override { SLUICE_NEEDS_BPF(); }

  // Calls `body` in a thread with a namespace of its own.
  template <typename Body>
  static void in_namespace(const Body& body) {
    std::string why;
    std::thread([&] {
      if (unshare(CLONE_NEWNET) != 0) {
        why = "no network namespace can be made";
      } else if (std::system("command -v ip >/dev/null") != 0) {
        why = "the command ip is missing";
      } else if (std::system(("sh " + write_temporary("ports.sh", std::string(kCommands))).c_str()) != 0) {
        why = "the ports could not be made";
      } else {
        body();
      }
    }).join();
    if (!why.empty()) GTEST_SKIP() << why << ": nothing was compared";
  }
  static std::unique_ptr<const FibTables> tables() {
    config::Sources sources;
    Diagnostics diagnostics;
    const auto config = config::read_config(write_temporary("fib.yaml", std::string(kFile)), {}, sources, diagnostics);
    EXPECT_TRUE(config) << diagnostics.render();
    return std::move(*FibTables::make(*config));
  }
};

struct Question {
  std::string_view from, to;
  std::uint32_t ifindex = 30, flags = 0, table = 0;
  std::uint16_t length = 100;
};

std::vector<std::byte> frame_of(const Question& question) {
  std::vector<std::byte> frame(80);
  const auto from = *config::ip_address(question.from);
  const auto to = *config::ip_address(question.to);
  const auto put = [&](std::size_t at, auto value) { std::memcpy(frame.data() + at, &value, sizeof value); };
  put(0, static_cast<std::uint8_t>(to.is_ipv6 ? 10 : 2));
  put(6, question.length);
  put(8, question.ifindex);
  put(16, from.bytes);
  put(32, to.bytes);
  put(48, question.table);
  put(64, question.flags);
  return frame;
}

TEST_F(FibInTheKernel, AnswersEveryQuestionTheSame) {
  const auto fib = tables();
  in_namespace([&] {
    Peers peers(question(), *fib);
    for (const std::string_view to : {"192.0.2.1",       "192.0.2.7",      "192.0.2.8",      "198.51.100.7",
                                      "198.51.100.200",  "198.51.100.201", "10.0.0.1",       "10.1.2.3",
                                      "10.2.2.3",        "10.3.2.3",       "10.4.2.3",       "10.5.2.3",
                                      "10.6.2.3",        "10.7.2.3",       "203.0.113.1",    "0.0.0.0",
                                      "255.255.255.255", "224.0.0.1",      "2001:db8:1::1",  "2001:db8:1::fe",
                                      "2001:db8:1::77",  "2001:db8:2::fe", "2001:db8:10::1", "2001:db8:11::1",
                                      "2001:db8:12::1",  "2001:db8:13::1", "2001:db8:14::1", "2001:db8:15::1",
                                      "2001:db8:99::1",  "fe80::1",        "ff02::1",        "::1"}) {
      const bool ipv6 = to.find(':') != std::string_view::npos;
      for (const std::uint32_t ifindex : {0U, 1U, 30U, 31U, 32U, 999U}) {
        for (std::uint32_t flags = 0; flags < 64; ++flags) {
          for (const std::uint32_t table : {0U, 77U, 254U, 255U}) {
            if ((flags & 8) == 0 && table != 77) continue;
            for (const std::uint16_t length : {std::uint16_t{0}, std::uint16_t{1400}, std::uint16_t{1450}}) {
              const Question asked{ipv6 ? "2001:db8:1::99" : "192.0.2.99", to, ifindex, flags, table, length};
              EXPECT_TRUE(peers.agree(frame_of(asked)))
                  << to << " ifindex " << ifindex << " flags " << flags << " table " << table << " length " << length;
            }
          }
        }
      }
    }
    // All answers there are but for what takes encapsulation (6) and IPv6 without any source (9).
    for (const int answer : {0, 1, 2, 3, 4, 5, 7, 8, -19}) EXPECT_TRUE(peers.answers().contains(answer)) << answer;
  });
}

TEST_F(FibInTheKernel, OddQuestionsToo) {
  const auto fib = tables();
  in_namespace([&] {
    Peers peers(question(), *fib);
    for (const std::string_view from : {"fe80::1", "::1", "ff02::1", "::"}) {
      EXPECT_TRUE(peers.agree(frame_of({from, "2001:db8:1::fe"}))) << from;
    }
    for (const std::uint32_t flags : {64U, 128U, 0x80000000U}) {
      EXPECT_TRUE(peers.agree(frame_of({"192.0.2.9", "192.0.2.7", 30, flags}))) << flags;
    }
    for (const int family : {0, 1, 3, 17, 255}) {
      auto frame = frame_of({"192.0.2.9", "192.0.2.7"});
      frame[0] = static_cast<std::byte>(family);
      EXPECT_TRUE(peers.agree(frame)) << family;
    }
  });
}

TEST_F(FibInTheKernel, MtuOfEveryPort) {
  const auto fib = tables();
  in_namespace([&] {
    Peers peers(std::string(kMtuQuestion), *fib);
    for (const std::uint32_t ifindex : {0U, 1U, 30U, 31U, 32U, 999U}) {
      for (const std::uint32_t length : {0U, 1U, 1300U, 1301U, 1400U, 1401U, 1500U, 1501U, 9000U, 9001U}) {
        for (const std::int32_t difference : {0, 1, -1, 1000, -2000}) {
          std::vector<std::byte> frame(80);
          std::memcpy(frame.data(), &length, 4);
          std::memcpy(frame.data() + 4, &ifindex, 4);
          std::memcpy(frame.data() + 8, &difference, 4);
          EXPECT_TRUE(peers.agree(frame)) << ifindex << ' ' << length << ' ' << difference;
        }
      }
    }
  });
}

}  // namespace
}  // namespace sluice::pipeline
