#include "dataplane/pipeline/flow_hash.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::pipeline {
namespace {

using Bytes = std::vector<std::byte>;

struct Flow {
  std::uint32_t source = 0x0a000001, target = 0x0a000002;
  std::uint16_t from = 1000, to = 443;
  std::uint8_t protocol = 6;
  std::uint16_t fragment = 0;
  bool tagged = false;
  std::uint8_t payload = 0;
};

void put(Bytes& out, std::uint64_t value, unsigned size) {
  for (unsigned i = size; i-- > 0;) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

Bytes frame(const Flow& f) {
  Bytes out(12);
  if (f.tagged) put(out, 0x81000007, 4);
  put(out, 0x0800, 2);
  put(out, 0x4500002800010000 | f.fragment, 8);
  put(out, 0x40, 1);
  put(out, f.protocol, 1);
  put(out, 0, 2);
  put(out, f.source, 4);
  put(out, f.target, 4);
  put(out, f.from, 2);
  put(out, f.to, 2);
  out.resize(out.size() + 16, std::byte{f.payload});
  return out;
}
Flow back(Flow f) {
  std::swap(f.source, f.target);
  std::swap(f.from, f.to);
  return f;
}
std::uint32_t hash(const Flow& f) { return flow_hash(frame(f)); }

TEST(FlowHash, BothDirectionsAndAllPacketsOfAConnectionAreOneFlow) {
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {
    Flow f{.source = static_cast<std::uint32_t>(random()),
           .target = static_cast<std::uint32_t>(random()),
           .from = static_cast<std::uint16_t>(random()),
           .to = static_cast<std::uint16_t>(random()),
           .protocol = static_cast<std::uint8_t>(i % 2 == 0 ? 6 : 17)};
    EXPECT_EQ(hash(f), hash(back(f)));
    Flow later = f;
    later.payload = 9;
    EXPECT_EQ(hash(f), hash(later));
    later.tagged = true;
    EXPECT_EQ(hash(f), hash(later));
  }
}

TEST(FlowHash, FragmentsGoByAddressesBecauseOnlyTheFirstHasPorts) {
  const Flow first{.protocol = 17, .fragment = 0x2000};
  const Flow later{.from = 7, .to = 9, .protocol = 17, .fragment = 0x0010};
  EXPECT_EQ(hash(first), hash(later));
}

TEST(FlowHash, DifferentFlowsAreSharedOutEvenly) {
  for (const unsigned workers : {2U, 3U, 7U}) {
    std::vector<unsigned> counts(workers);
    for (unsigned i = 0; i < 7000; ++i) {
      const std::uint32_t h = hash({.source = 0x0a000000 + i / 50, .from = static_cast<std::uint16_t>(1024 + i % 50)});
      counts[worker_of(h, workers)] += 1;
    }
    for (const unsigned count : counts) EXPECT_NEAR(count, 7000.0 / workers, 7000.0 / workers / 5);
  }
}

TEST(FlowHash, OtherFramesGoByMacAddressesInEitherDirection) {
  Bytes arp(60);
  for (std::size_t i = 0; i < 12; ++i) arp[i] = static_cast<std::byte>(i + 1);
  arp[12] = std::byte{8};
  arp[13] = std::byte{6};
  Bytes answer = arp;
  std::rotate(answer.begin(), answer.begin() + 6, answer.begin() + 12);
  EXPECT_EQ(flow_hash(arp), flow_hash(answer));
  Bytes other = arp;
  other[5] = std::byte{0x77};
  EXPECT_NE(flow_hash(arp), flow_hash(other));
}

TEST(FlowHash, Ipv6GoesByAddressesAndPorts) {
  std::mt19937 random(8);
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 100; ++i) {
    Bytes out(12);
    put(out, 0x86dd, 2);
    put(out, 0x6000000000140640, 8);
    for (int byte = 0; byte < 36; ++byte) out.push_back(static_cast<std::byte>(random()));
    Bytes answer = out;
    std::swap_ranges(answer.begin() + 22, answer.begin() + 38, answer.begin() + 38);
    std::swap_ranges(answer.begin() + 54, answer.begin() + 56, answer.begin() + 56);
    EXPECT_EQ(flow_hash(out), flow_hash(answer));
    seen.insert(flow_hash(out));
  }
  EXPECT_GT(seen.size(), 98U);
}

TEST(FlowHash, FramesOfAnyLengthAreReadNoFurtherThanTheyGo) {
  const Bytes whole = frame({.tagged = true});
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_LT(worker_of(flow_hash(cut), 3), 3U);
  }
}

}  // namespace
}  // namespace sluice::pipeline
