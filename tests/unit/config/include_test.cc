// Several files as one: include, --set, variables, merge keys.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dataplane/config/include.h"
#include "tests/unit/config/support.h"

namespace sluice::config {
namespace {

constexpr const char* kBase = R"(version: 1
ports:
  wan0: {device: eth0, mtu: 9000}
  lan0: {device: eth1}
workers: {cores: [1, 2, 3]}
programs: {fw: {object: fw.o, globals: {a: 1, b: 2}}}
)";

TEST(Include, LaterWinsListsAreReplacedAndNullDeletes) {
  const TemporaryDirectory directory;
  directory.write("base.yaml", kBase);
  const Read read = read_file(directory.write("top.yaml", R"(version: 1
include: [base.yaml]
ports:
  wan0: {mtu: 1400, queues: null}
  lan0: null
  new0: {device: eth2, mtu: null}
workers: {cores: [7]}
programs: {fw: {globals: {b: 3, c: 4}}}
log: null
)"));
  ASSERT_TRUE(read.config) << read.text();
  ASSERT_EQ(read.config->ports.size(), 2U);
  EXPECT_EQ(read.config->ports[0].device.value, "eth0");
  EXPECT_EQ(read.config->ports[0].mtu, 1400U);
  EXPECT_EQ(read.config->ports[1].name.value, "new0");
  EXPECT_EQ(read.config->workers.cores, std::vector<unsigned>{7});
  const auto& globals = read.config->programs[0].globals;
  ASSERT_EQ(globals.size(), 3U);
  EXPECT_EQ(globals[1].second.scalar, "3");
}

TEST(Include, PathsAreRelativeToTheFileThatSaysThem) {
  const TemporaryDirectory directory;
  directory.write("below/base.yaml", kBase);
  directory.write("below/more.yaml", "version: 1\nprograms: {abs: {object: /lib/abs.o}}\n");
  const Read read = read_file(directory.write(
      "top.yaml", "version: 1\ninclude: [below/base.yaml, below/more.yaml]\nprograms: {own: {object: own.o}}\n"));
  ASSERT_TRUE(read.config) << read.text();
  EXPECT_EQ(read.config->program("fw")->object.value, directory.path("below/fw.o"));
  EXPECT_EQ(read.config->program("own")->object.value, directory.path("own.o"));
  EXPECT_EQ(read.config->program("abs")->object.value, "/lib/abs.o");
}

TEST(Include, TheSameFileTwiceIsNoCycle) {
  const TemporaryDirectory directory;
  directory.write("base.yaml", kBase);
  directory.write("a.yaml", "version: 1\ninclude: [base.yaml]\n");
  directory.write("b.yaml", "version: 1\ninclude: [base.yaml]\n");
  const Read read = read_file(directory.write("top.yaml", "version: 1\ninclude: [a.yaml, b.yaml]\n"));
  EXPECT_TRUE(read.config) << read.text();
}

TEST(Include, ACycleThroughASymbolicLinkIsFound) {
  const TemporaryDirectory directory;
  directory.write("top.yaml", "version: 1\ninclude: [other.yaml]\n");
  std::filesystem::create_symlink("top.yaml", directory.path("other.yaml"));
  const Read read = read_file(directory.path("top.yaml"));
  EXPECT_NE(read.text().find("includes itself"), std::string::npos) << read.text();
}

TEST(Include, DepthAndNumberOfFilesAreLimited) {
  const TemporaryDirectory directory;
  for (unsigned i = 0; i < 20; ++i) {
    directory.write(fmt::format("f{}.yaml", i),
                    fmt::format("version: 1\ninclude: [f{}.yaml, f{}.yaml]\n", i + 1, i + 1));
  }
  directory.write("f20.yaml", "version: 1\n");
  EXPECT_NE(read_file(directory.path("f0.yaml")).text().find("more than 16 levels deep"), std::string::npos);
  const std::string many = read_file(directory.path("f10.yaml")).text();  // 2^10 files
  EXPECT_NE(many.find("more than 256 files are included"), std::string::npos) << many.substr(0, 1000);
}

TEST(Include, NamesMayHoldVariables) {
  const TemporaryDirectory directory;
  directory.write("base.yaml", kBase);
  const std::string top = directory.write("top.yaml", "version: 1\ninclude: [\"${WHICH:-nothing}.yaml\"]\n");
  EXPECT_TRUE(read_file(top, {}, {{"WHICH", "base"}}).config);
  EXPECT_FALSE(read_file(top).config);
}

TEST(Include, AnIncludeThatIsNoFileNameIsReportedWhereItStands) {
  const Read read = read_string("version: 1\ninclude: [7, '', [a]]\n");
  EXPECT_EQ(read.diagnostics.errors(), 3U) << read.text();
}

TEST(Set, OverridesAddsAndDeletes) {
  const Read read = read_string(kBase, {{"ports.wan0.mtu", "1400"},
                                        {"ports.dmz.device", "eth9"},
                                        {"ports.lan0", ""},
                                        {"workers.cores", "[4, 5]"},
                                        {"workers.cores.1", "6"},
                                        {"log.level", "debug"},
                                        {"programs.fw.object", "rel.o"}});
  ASSERT_TRUE(read.config) << read.text();
  EXPECT_EQ(read.config->port("wan0")->mtu, 1400U);
  EXPECT_EQ(read.config->port("dmz")->device.value, "eth9");
  EXPECT_EQ(read.config->port("lan0"), nullptr);
  EXPECT_EQ(read.config->workers.cores, (std::vector<unsigned>{4, 6}));
  EXPECT_EQ(read.config->log_level, "debug");
  EXPECT_EQ(read.config->program("fw")->object.value, "rel.o") << "relative to the working directory";
}

TEST(Set, FindsKeysThatHoldDots) {
  const Read read = read_string("version: 1\nmaps: {.bss: {max_entries: 1}, a.b: {max_entries: 2}}\n",
                                {{"maps.a.b.max_entries", "3"}});
  ASSERT_TRUE(read.config) << read.text();
  EXPECT_EQ(read.config->map("a.b")->max_entries, 3U);
}

TEST(Set, MistakesShowTheOption) {
  const Read read = read_string(kBase, {{"ports.wan0.mtu", "99999"}});
  EXPECT_EQ(read.text(),
            "--set ports.wan0.mtu:1:1: error[config-range]: ports.wan0.mtu: 99999 is out of range 68..9190 (bytes)\n"
            "       1 | 99999\n         | ^~~~~\n");
  for (const char* path :
       {"", ".", "a..b", "ports.", "version.x", "workers.cores.9", "workers.cores.x", "workers.cores.0.x"}) {
    EXPECT_FALSE(read_string(kBase, {{path, "1"}}).config) << path;
  }
  EXPECT_FALSE(read_string(kBase, {{"ports.wan0.mtu", "[1"}}).config);
  std::string deep = "x";
  for (int i = 0; i < 1000; ++i) deep += ".x";
  EXPECT_FALSE(read_string(kBase, {{deep, "1"}}).config);
}

TEST(Set, ReplacesAnItemOfAList) {
  const Read read =
      read_string(std::string(kBase) + "pipelines: {a: {entry: fw}}\nattach: [{ports: [wan0], ingress: b}]\n",
                  {{"attach.0.ingress", "a"}, {"attach.0.ports", "[lan0]"}});
  ASSERT_TRUE(read.config) << read.text();
  EXPECT_EQ(read.config->attach[0].ports[0].value, "lan0");
}

TEST(Variables, FillTextButNotNumbersAndAreNeverParsed) {
  const Read read = read_string(
      "version: 1\nports: {wan0: {device: \"${UP}\"}}\nmaps: {m: {entries: {k: \"${UP}\"}}}\n", {}, {{"UP", "a: [b"}});
  ASSERT_TRUE(read.config) << read.text();
  EXPECT_EQ(read.config->ports[0].device.value, "a: [b");
  EXPECT_EQ(read.config->maps[0].entries[0].value.scalar, "a: [b");
  EXPECT_TRUE(read.config->maps[0].entries[0].value.quoted);
}

TEST(Variables, ComeFromTheProcessWhenNoneAreGiven) {
  const TemporaryDirectory directory;
  Sources sources;
  Diagnostics diagnostics;
  const std::string path = directory.write("a.yaml", "version: 1\nports: {wan0: {device: \"${PATH}\"}}\n");
  const auto config = read_config(path, {}, sources, diagnostics);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->ports[0].device.value, std::getenv("PATH"));
}

TEST(MergeKey, TakesWhatIsNotThere) {
  const Read read = read_string(R"(version: 1
x-a: &a {mtu: 1400, queues: 2}
x-b: &b {mtu: 1300, promisc: false}
ports:
  wan0: {<<: *a, mtu: 1200, device: eth0}
  lan0: {<<: [*a, *b], device: eth1}
)");
  ASSERT_TRUE(read.config) << read.text();
  EXPECT_EQ(read.config->ports[0].mtu, 1200U);
  EXPECT_EQ(read.config->ports[0].queues, 2U);
  EXPECT_EQ(read.config->ports[1].mtu, 1400U);
  EXPECT_FALSE(read.config->ports[1].promisc);
}

}  // namespace
}  // namespace sluice::config
