// Routes of a pipeline file: against a list that is searched from end to end.
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dataplane/pipeline/fib.h"
#include "tests/unit/pipeline/loading.h"

namespace sluice::pipeline {
namespace {

using vm::FibAddress;
using vm::FibFamily;
using vm::FibRoute;

std::unique_ptr<const FibTables> tables_of(const std::string& text) {
  config::Sources sources;
  Diagnostics diagnostics;
  const auto config = config::read_config(write_temporary("fib.yaml", "version: 1\n" + text), {}, sources, diagnostics);
  EXPECT_TRUE(config) << diagnostics.render();
  if (!config) return nullptr;
  auto made = FibTables::make(*config);
  EXPECT_TRUE(made);
  return std::move(*made);
}

constexpr std::string_view kPorts = R"(
ports: {a: {ifindex: 3, mac: "02:00:00:00:00:03", mtu: 1400}, b: {ifindex: 7}}
)";

TEST(FibTables, PortsAreThoseOfTheFileWithWhatFibSays) {
  const auto tables =
      tables_of(std::string(kPorts) + "fib: {ports: {b: {mac: \"02:00:00:00:00:77\", forward_ipv6: false}}}\n");
  ASSERT_NE(tables->port(3), nullptr);
  EXPECT_EQ(tables->port(3)->mtu, 1400U);
  EXPECT_EQ(tables->port(3)->mac[5], 3);
  EXPECT_TRUE(tables->port(3)->forwards_ipv4 && tables->port(3)->forwards_ipv6);
  ASSERT_NE(tables->port(7), nullptr);
  EXPECT_EQ(tables->port(7)->mtu, 1500U);
  EXPECT_EQ(tables->port(7)->mac[5], 0x77);
  EXPECT_TRUE(tables->port(7)->forwards_ipv4 && !tables->port(7)->forwards_ipv6);
  for (const std::uint32_t none : {0U, 1U, 4U, 8U, 0xffffffffU}) EXPECT_EQ(tables->port(none), nullptr);
}

TEST(FibTables, NeighboursAreOfAPortAndAFamily) {
  const auto tables = tables_of(std::string(kPorts) + R"(
fib:
  neighbours:
    - {address: 10.0.0.1, port: a, mac: "02:00:00:00:01:01"}
    - {address: 10.0.0.1, port: b, mac: "02:00:00:00:01:02"}
    - {address: "a00:1::", port: a, mac: "02:00:00:00:01:03"}
)");
  const FibAddress address{10, 0, 0, 1};
  EXPECT_EQ(tables->neighbour(FibFamily::kIpv4, 3, address)->at(5), 1);
  EXPECT_EQ(tables->neighbour(FibFamily::kIpv4, 7, address)->at(5), 2);
  EXPECT_EQ(tables->neighbour(FibFamily::kIpv6, 3, address)->at(5), 3) << "the same bytes";
  EXPECT_EQ(tables->neighbour(FibFamily::kIpv6, 7, address), nullptr);
  EXPECT_EQ(tables->neighbour(FibFamily::kIpv4, 3, {10, 0, 0, 2}), nullptr);
}

// Random prefixes, short ones among them; every answer is that of a list.
TEST(FibTables, TheLongestPrefixWithTheLowestMetricCounts) {
  std::mt19937 random(7);
  struct Line {
    std::uint32_t to, bits, table, metric;
    bool by_b, refuses;
  };
  std::vector<Line> lines;
  std::string text = std::string(kPorts) + "fib:\n  ports: {b: {mac: \"02:00:00:00:00:77\"}}\n  routes:\n";
  for (unsigned i = 0; i < 400; ++i) {
    const auto bits = static_cast<std::uint32_t>(random() % 33);
    const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
    const std::uint32_t to = (0x0a000000U | (random() & 0x00ff00ffU)) & mask;
    const Line line{to, bits, random() % 4 == 0 ? 77U : 254U, i, random() % 2 == 0, random() % 9 == 0};
    lines.push_back(line);
    text += fmt::format("    - {{to: {}.{}.{}.{}/{}, table: {}, metric: {}, {}}}\n", to >> 24, to >> 16 & 255,
                        to >> 8 & 255, to & 255, bits, line.table, i,
                        line.refuses ? "type: blackhole"
                        : line.by_b  ? "port: b"
                                     : "port: a");
  }
  const auto tables = tables_of(text);
  ASSERT_NE(tables, nullptr);
  for (unsigned i = 0; i < 20'000; ++i) {
    const std::uint32_t to = 0x0a000000U | (random() & 0x00ff00ffU);
    const std::uint32_t table = i % 3 == 0 ? 77 : i % 3 == 1 ? 254 : 255;
    const std::uint32_t through = i % 4 == 0 ? 3 : i % 4 == 1 ? 7 : 0;
    const Line* best = nullptr;
    for (const Line& line : lines) {
      const std::uint32_t mask = line.bits == 0 ? 0 : ~std::uint32_t{0} << (32 - line.bits);
      if (line.table != (table == 255 ? 254 : table) || (to & mask) != line.to) continue;
      if (through != 0 && !line.refuses && through != (line.by_b ? 7U : 3U)) continue;
      if (best == nullptr || line.bits > best->bits || (line.bits == best->bits && line.metric < best->metric)) {
        best = &line;
      }
    }
    const FibAddress address{static_cast<std::uint8_t>(to >> 24), static_cast<std::uint8_t>(to >> 16),
                             static_cast<std::uint8_t>(to >> 8), static_cast<std::uint8_t>(to)};
    const FibRoute* const found = tables->route(FibFamily::kIpv4, table, address, through);
    ASSERT_EQ(found != nullptr, best != nullptr) << i;
    if (found != nullptr) {
      ASSERT_EQ(found->metric, best->metric) << i;
    }
  }
  EXPECT_EQ(tables->route(FibFamily::kIpv4, 78, {10}, 0), nullptr);
  EXPECT_EQ(tables->route(FibFamily::kIpv6, 254, {10}, 0), nullptr);
}

TEST(FibTables, AreWhatAPipelinesProgramsAsk) {
  const auto loading = load_text("fib: {ports: {b: {forward_ipv4: false}}}\n");
  ASSERT_NE(loading->pipeline, nullptr) << loading->said();
  ASSERT_NE(loading->pipeline->fib(), nullptr);
  EXPECT_FALSE(loading->pipeline->fib()->port(2)->forwards_ipv4);
  EXPECT_TRUE(loading->pipeline->fib()->port(3)->forwards_ipv4);
}

}  // namespace
}  // namespace sluice::pipeline
