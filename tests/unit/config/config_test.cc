#include "dataplane/config/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dataplane/config/schema.h"
#include "tests/unit/config/support.h"

namespace sluice::config {
namespace {

TEST(Config, TheLeastFileIsOneLine) {
  const Read read = read_string("version: 1\n");
  ASSERT_TRUE(read.config) << read.text();
  EXPECT_EQ(read.config->name, "pipeline") << "that of the file";
  EXPECT_TRUE(read.config->workers.cores.empty());
  EXPECT_FALSE(read.config->control.present);
}

TEST(Config, NameComesFromAnyFileName) {
  const TemporaryDirectory directory;
  EXPECT_EQ(read_file(directory.write("-Edge Router.v2.yaml", "version: 1\n")).config->name, "edgerouter.v2");
  EXPECT_EQ(read_file(directory.write("___.yaml", "version: 1\n")).config->name, "sluice");
}

TEST(Config, EveryKeyOfAPortIsRead) {
  const Read read = read_string(R"(version: 1
ports:
  a: {driver: pcap, rx: in.pcap, tx: out.pcap, devargs: "x=1", mtu: 9190, promisc: false, queues: 4,
      mac: "02:00:00:00:00:01"}
  b: {driver: auto, device: eth0, queues: auto}
workers: {cores: 3, count: 2, burst: 64, idle: sleep}
dpdk: {memory: 1048576, eal: ["--no-pci"], hugepages: never}
log: {format: json}
)");
  ASSERT_TRUE(read.config) << read.text();
  const Port& a = read.config->ports[0];
  EXPECT_EQ(a.driver.value, "pcap");
  EXPECT_EQ(std::filesystem::path(a.rx.value).filename(), "in.pcap");
  EXPECT_TRUE(std::filesystem::path(a.rx.value).is_absolute());
  EXPECT_EQ(a.devargs.value, "x=1");
  EXPECT_EQ(a.mtu, 9190U);
  EXPECT_EQ(a.queues, 4U);
  EXPECT_EQ(a.mac->at(5), 1);
  EXPECT_EQ(a.ifindex, 1U);
  EXPECT_EQ(read.config->ports[1].ifindex, 2U);
  EXPECT_EQ(read.config->workers.cores, std::vector<unsigned>{3});
  EXPECT_EQ(read.config->workers.count, 2U);
  EXPECT_EQ(read.config->workers.idle, Workers::Idle::kSleep);
  EXPECT_EQ(read.config->dpdk.memory_bytes, 1U << 20U);
  EXPECT_EQ(read.config->dpdk.hugepages, Dpdk::Hugepages::kNever);
  EXPECT_EQ(read.config->dpdk.eal, std::vector<std::string>{"--no-pci"});
  EXPECT_EQ(read.config->log_format, "json");
}

TEST(Config, KeysThatBeginWithXAreIgnoredAtEveryLevel) {
  EXPECT_TRUE(read_string("version: 1\nx-any: [1]\nworkers: {x-note: {a: 1}}\n").config);
}

TEST(Config, CarriageReturnsByteOrderMarksAndDirectivesAreTaken) {
  EXPECT_TRUE(read_string("\xef\xbb\xbfversion: 1\r\nname: edge\r\n").config);
  EXPECT_TRUE(read_string("%YAML 1.2\n---\nversion: 1\n...\n").config);
}

TEST(Config, MarksOfAliasesAreWhereTheAliasStands) {
  const Read read = read_string("version: 1\nx-big: &big 99999\nports:\n  wan0: {mtu: *big, device: eth0}\n");
  ASSERT_EQ(read.diagnostics.all().size(), 1U) << read.text();
  EXPECT_EQ(read.diagnostics.all()[0].line, 4U);
  EXPECT_EQ(read.diagnostics.all()[0].column, 15U);
  EXPECT_EQ(read.diagnostics.all()[0].width, 4U);
}

TEST(Config, MistakesBeyondAHundredAreNotShown) {
  std::string text = "version: 1\n";
  for (int i = 0; i < 500; ++i) text += fmt::format("unknown{}: 1\n", i);
  const Read read = read_string(text);
  EXPECT_EQ(read.diagnostics.errors(), 101U);
  EXPECT_NE(read.text().find("more mistakes than are shown"), std::string::npos);
}

TEST(ReadFixture, TakesMapsAndGlobals) {
  const TemporaryDirectory directory;
  Sources sources;
  Diagnostics diagnostics;
  const auto fixture = read_fixture(directory.write("m.yaml", R"(maps:
  acl:
    entries:
      - {key: {hex: "0a000001"}, value: {hex: "01"}}
  stages: {entries: {0: {hex: "00"}}, file: more.json}
  counts: {entries: [{key: 0, values: [1, 2]}]}
globals: {limit: 5}
)"),
                                    sources, diagnostics);
  ASSERT_TRUE(fixture) << diagnostics.render();
  const auto* maps = &fixture->maps;
  ASSERT_EQ(maps->size(), 3U);
  EXPECT_EQ(maps->at(2).entries[0].values.items.size(), 2U);
  ASSERT_EQ(fixture->globals.size(), 1U);
  EXPECT_EQ(fixture->globals[0].first.value, "limit");
  EXPECT_EQ(fixture->globals[0].second.scalar, "5");
  EXPECT_EQ(maps->at(0).entries[0].key.find("hex")->scalar, "0a000001");
  EXPECT_EQ(maps->at(1).entries[0].value.find("hex")->scalar, "00");
  EXPECT_EQ(maps->at(1).file.value, directory.path("more.json"));
}

TEST(ReadFixture, RefusesOtherSections) {
  const TemporaryDirectory directory;
  Sources sources;
  Diagnostics diagnostics;
  EXPECT_FALSE(read_fixture(directory.write("m.yaml", "maps: {}\nports: {}\n"), sources, diagnostics));
  EXPECT_FALSE(read_fixture(directory.write("n.yaml", "version: 1\n"), sources, diagnostics));
  EXPECT_FALSE(read_fixture(directory.write("l.yaml", "[1]\n"), sources, diagnostics));
  EXPECT_FALSE(read_fixture(directory.path("missing.yaml"), sources, diagnostics));
}

// Every row, with the path of its key.
void each_row(std::span<const Row> rows, const std::string& path,
              const std::function<void(const Row&, const std::string&)>& f) {
  for (const Row& row : rows) {
    f(row, path + std::string(row.key));
    each_row(row.shape.rows, path + std::string(row.key) + ".", f);
  }
}

TEST(Schema, EveryKeyHasADocumentedMeaningAndAReader) {
  const std::string page = markdown();
  each_row(pipeline_rows(), "", [&](const Row& row, const std::string& path) {
    EXPECT_TRUE(row.doc.ends_with('.') || row.doc.ends_with("return it.")) << path;
    EXPECT_NE(page.find(fmt::format("| `{}` |", row.key)), std::string::npos) << path;
    EXPECT_NE(row.store, nullptr) << path;
    EXPECT_FALSE(expected(row.shape).empty()) << path;
  });
}

TEST(Schema, IsJsonWithEveryKey) {
  const nlohmann::json schema = nlohmann::json::parse(json_schema());
  for (const Row& row : pipeline_rows()) EXPECT_TRUE(schema["properties"].contains(std::string(row.key))) << row.key;
}

TEST(Sources, GiveLinesOfAnyFile) {
  Sources sources;
  sources.add("a", "one\r\n\nthree");
  EXPECT_EQ(sources.line("a", 1), "one");
  EXPECT_EQ(sources.line("a", 2), "");
  EXPECT_EQ(sources.line("a", 3), "three");
  EXPECT_EQ(sources.line("a", 4), "");
  EXPECT_EQ(sources.line("a", 0), "");
  EXPECT_EQ(sources.line("b", 1), "");
}

}  // namespace
}  // namespace sluice::config
