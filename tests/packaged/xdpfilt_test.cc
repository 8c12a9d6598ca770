// Debian's xdp-filter programs (package xdp-tools) as they are installed: each on 200 packets and on maps that deny or
// allow by MAC, address and port, in the running kernel and here. Verdict, bytes and map contents must be equal.
#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/kernel/side.h"
#include "vm/xdp.h"

namespace sluice::kernel {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace): packet literals

const std::string kFolder = SLUICE_PACKAGED_BPF;
constexpr std::size_t kPackets = 200;

// Bits of the 64-bit values of xdp-filter's maps, and where in them the hits are counted.
constexpr std::uint64_t kSource = 1, kDestination = 2, kTcp = 4, kUdp = 8;
constexpr unsigned kCounterShift = 6;

// The first three of each are in the maps: as source, as destination, as both. The others are in none.
constexpr std::array kMacs = {
    Mac{6, 0, 0, 0, 0, 1}, Mac{6, 0, 0, 0, 0, 2}, Mac{6, 0, 0, 0, 0, 3}, kHostA, kHostB, kHostC,
    Mac{6, 0, 0, 0, 0, 4}, Mac{6, 0, 0, 0, 0, 5}};
constexpr std::array kAddresses = {ip4(192, 0, 2, 1), ip4(192, 0, 2, 2),   ip4(192, 0, 2, 3),
                                   ip4(10, 0, 0, 1),  ip4(203, 0, 113, 1), ip4(203, 0, 113, 2)};
constexpr std::uint8_t kIp6Hosts = 6;  // 1..6, the first three as above
constexpr std::array<std::uint16_t, 4> kPorts = {22, 53, 80, 443};

void add_entries(Setup::Part& part) {
  part.entries = {
      {"filter_ethernet", pack(kMacs[0]), pack(kSource)},
      {"filter_ethernet", pack(kMacs[1]), pack(kDestination)},
      {"filter_ethernet", pack(kMacs[2]), pack(kSource | kDestination)},
      {"filter_ipv4", pack(kAddresses[0]), pack(kSource)},
      {"filter_ipv4", pack(kAddresses[1]), pack(kDestination)},
      {"filter_ipv4", pack(kAddresses[2]), pack(kSource | kDestination)},
      {"filter_ipv6", pack(ip6(7, 1)), pack(kSource)},
      {"filter_ipv6", pack(ip6(7, 2)), pack(kDestination)},
      {"filter_ipv6", pack(ip6(7, 3)), pack(kSource | kDestination)},
      {"filter_ports", pack(std::uint32_t{be16(kPorts[0])}), pack(kDestination | kTcp)},
      {"filter_ports", pack(std::uint32_t{be16(kPorts[1])}), pack(kSource | kDestination | kUdp)},
      {"filter_ports", pack(std::uint32_t{be16(kPorts[2])}), pack(kSource | kTcp | kUdp)},
  };
}

// Half of them are well-formed frames over all combinations of what the maps name; the others are our usual frames:
// VLAN tags, IPv6, fragments, options, cut off and wrong headers.
std::vector<Bytes> packets() {
  std::vector<Bytes> frames;
  std::mt19937 random(1);  // the same ones in every run
  const auto pick = [&](const auto& list) { return list[random() % list.size()]; };
  while (frames.size() < kPackets / 2) {
    Frame frame(pick(kMacs), pick(kMacs));
    if (random() % 4 == 0) frame.vlan(10);
    const bool is_tcp = random() % 2 == 0;
    const Bytes payload = is_tcp ? tcp(pick(kPorts), pick(kPorts), kSyn) : udp(pick(kPorts), pick(kPorts));
    const std::uint8_t protocol = is_tcp ? 6 : 17;
    if (random() % 3 == 0) {
      const auto host = [&] { return ip6(7, static_cast<std::uint8_t>(random() % kIp6Hosts + 1)); };
      frame.ipv6(host(), host(), protocol, payload);
    } else {
      frame.ipv4({.source = pick(kAddresses), .destination = pick(kAddresses), .protocol = protocol}, payload);
    }
    frames.push_back(frame.bytes());
  }
  const std::vector<Packet> usual = all_packets();
  for (std::size_t i = 0; frames.size() < kPackets; ++i) frames.push_back(usual[i * 5 % usual.size()].bytes);
  return frames;
}

std::string name_of(const Outcome& outcome) {
  std::string text = fmt::format("verdict {}, {} bytes ", outcome.verdict, outcome.frame.size());
  for (std::size_t i = 0; i < outcome.frame.size() && i < 60; ++i) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(outcome.frame[i]));
  }
  return text;
}

// What the maps' values count, over all keys and CPUs.
std::uint64_t hits(const Contents::mapped_type& entries) {
  std::uint64_t sum = 0;
  for (const auto& [key, value] : entries) {
    for (std::size_t at = 0; at + sizeof(sum) <= value.size(); at += sizeof(sum)) {
      std::uint64_t word = 0;
      std::memcpy(&word, value.data() + at, sizeof(word));
      sum += word >> kCounterShift;
    }
  }
  return sum;
}

class Xdpfilt : public testing::TestWithParam<std::tuple<std::string, pipeline::Engine>> {};

// Setup alone would be a name of GoogleTest's in here.
TEST_P(Xdpfilt, DoesWhatItDoesInTheKernel) {
  const auto& [name, engine] = GetParam();
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  kernel::Setup::Part part{.name = "xdpfilt", .path = kFolder + "/" + name + ".o", .programs = {name}};
  if (!std::filesystem::exists(part.path)) GTEST_SKIP() << part.path << " is absent: install xdp-tools";
  const auto elf = vm::load_elf(part.path);
  ASSERT_TRUE(elf) << elf.error().message;
  add_entries(part);
  std::erase_if(part.entries, [&](const kernel::Setup::Entry& entry) {  // each object has the maps it needs
    return std::ranges::none_of(elf->maps, [&](const vm::MapDecl& map) { return map.spec.name == entry.map; });
  });
  ASSERT_FALSE(part.entries.empty());

  pin_to_cpu0();
  const kernel::Setup setup{.parts = {part}};
  const auto theirs = kernel_side(setup);
  ASSERT_TRUE(theirs) << theirs.error().message;
  const auto ours = sluice_side(setup, engine);
  ASSERT_TRUE(ours) << ours.error().message;
  std::map<std::uint32_t, unsigned> verdicts;
  const std::vector<Bytes> frames = packets();
  ASSERT_EQ(frames.size(), kPackets);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const Outcome kernel = (*theirs)->run({}, frames[i]);
    const Outcome sluice = (*ours)->run({}, frames[i]);
    ASSERT_TRUE(kernel.ran && kernel == sluice)
        << "packet " << i << "\nkernel: " << name_of(kernel) << "\nsluice: " << name_of(sluice);
    ++verdicts[kernel.verdict];
  }
  const Contents contents = (*ours)->contents(true);
  EXPECT_TRUE(contents == (*theirs)->contents(true)) << "map contents differ";
  EXPECT_GE(contents.size(), 2U);
  // The fixture really decides: some frames are denied, some let through, and each map had its say.
  EXPECT_GT(verdicts[static_cast<std::uint32_t>(vm::Verdict::kDrop)], kPackets / 20);
  EXPECT_GT(verdicts[static_cast<std::uint32_t>(vm::Verdict::kPass)], kPackets / 20);
  for (const auto& [map, entries] : contents) {
    const bool is_filter = map.find("filter_") != std::string::npos;
    EXPECT_TRUE(!is_filter || hits(entries) > 0) << map;
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, Xdpfilt,
                         testing::Combine(testing::Values("xdpfilt_alw_all", "xdpfilt_alw_eth", "xdpfilt_alw_ip",
                                                          "xdpfilt_alw_tcp", "xdpfilt_alw_udp", "xdpfilt_dny_all",
                                                          "xdpfilt_dny_eth", "xdpfilt_dny_ip", "xdpfilt_dny_tcp",
                                                          "xdpfilt_dny_udp"),
                                          testing::Values(pipeline::Engine::kInterp, pipeline::Engine::kJit)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::string(pipeline::engine_name(std::get<1>(info.param)));
                         });

}  // namespace
}  // namespace sluice::kernel
