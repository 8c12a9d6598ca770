// Maps in the configuration: entries, files, maps of maps, and maps that objects share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/loader_texts.h"

namespace sluice::pipeline {
namespace {

using testing::HasSubstr;

TEST(Loader, MapEntriesAreTypedValues) {
  const auto loading = load_text(kChain + "maps:\n  shared: {entries: {0: 7, 3: 0x10}}\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(read_u64(*loading->pipeline, "shared", 0), 7U);
  EXPECT_EQ(read_u64(*loading->pipeline, "shared", 1), 0U);
  EXPECT_EQ(read_u64(*loading->pipeline, "shared", 3), 16U);
}

TEST(Loader, MistakesInMapsAreAllReported) {
  const auto loading = load_text(kChain +
                                 "maps:\n"
                                 "  shared:\n    entries:\n"
                                 "      - {key: 4, value: 1}\n"
                                 "      - {key: 1, value: -1}\n"
                                 "      - {key: 2, value: 1}\n"
                                 "      - {key: 2, value: 1}\n"
                                 "  counts: {entries: {70000: 1}}\n"
                                 "  jumps: {entries: {0: 1}}\n"
                                 "  sharde: {entries: {0: 1}}\n"
                                 "  ports: {types: {key: be16}, entries: {0: a}}\n"
                                 "  pinned: {entries: [{key: 0, value: 0, program: last}]}\n");
  EXPECT_FALSE(loading->pipeline);
  const std::string said = loading->said();
  EXPECT_THAT(said, HasSubstr("12: map shared: the index is out of range 0..3"));
  EXPECT_THAT(said, HasSubstr("13: map shared: value -1 does not fit u64"));
  EXPECT_THAT(said, HasSubstr("15: map shared: the same key stands on line 14 already"));
  EXPECT_THAT(said, HasSubstr("16: map counts: key 70000 does not fit be16 (0..65535)"));
  EXPECT_THAT(said, HasSubstr("17: map jumps: a prog array is filled by pipelines.NAME.tail_calls"));
  EXPECT_THAT(said, HasSubstr("18: no object declares a map 'sharde'; did you mean 'shared'?"));
  EXPECT_THAT(said, HasSubstr("19: map ports: types.key: be16 takes 2 bytes, but there are 4"));
  EXPECT_THAT(said,
              HasSubstr("20: map pinned: programs are attached to entries of devmaps and cpumaps, and this is array"));
}

TEST(Loader, AFullMapSaysItsSize) {
  const auto loading = load_text(kChain + "maps:\n  counts: {entries: {1: 1, 2: 2, 3: 3}}\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_THAT(loading->said(), HasSubstr("map counts: the map is full at max_entries 2"));
  EXPECT_TRUE(load_text(kChain + "maps:\n  counts: {max_entries: 3, entries: {1: 1, 2: 2, 3: 3}}\n")->pipeline);
}

TEST(Loader, MapFilesAreReadAsBpftoolWritesThemOrByValues) {
  const std::string path = write_temporary(
      "entries.json",
      R"([{"key":["0x01","0x00","0x00","0x00"],"value":["0x05","0x00","0x00","0x00","0x00","0x00","0x00","0x00"]},
          {"key":2,"value":6}])");
  const auto loading = load_text(kChain + "maps:\n  shared: {file: \"" + path + "\", entries: {2: 9}}\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(read_u64(*loading->pipeline, "shared", 1), 5U);
  EXPECT_EQ(read_u64(*loading->pipeline, "shared", 2), 9U);
}

TEST(Loader, PerCpuFilesNameTheCpu) {
  const std::string path =
      write_temporary("percpu.json", R"([{"key":1,"values":[{"cpu":0,"value":5},{"cpu":9,"value":1}]}])");
  const auto loading = load_text(kChain + "maps:\n  counts: {file: \"" + path + "\"}\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  const std::byte key[2] = {std::byte{0}, std::byte{1}};
  std::uint64_t value = 0;
  ASSERT_EQ(map_named(*loading->pipeline, "counts")->read(key, reinterpret_cast<std::byte*>(&value)), 0);
  EXPECT_EQ(value, 5U);
}

TEST(Loader, BadMapFilesAreMistakes) {
  for (const char* text : {"", "{}", "[1]", R"([{"key":1}])", R"([{"key":1,"value":"x"}])", R"([{"key":1,"values":3}])",
                           R"([{"key":9,"value":1}])", R"([{"key":[[[[1]]]],"value":1}])"}) {
    const std::string path = write_temporary("bad.json", text);
    EXPECT_FALSE(load_text(kChain + "maps:\n  shared: {file: \"" + path + "\"}\n")->pipeline) << text;
  }
  std::string deep = R"([{"key":)" + std::string(10'000, '[') + std::string(10'000, ']') + R"(,"value":1}])";
  const auto nested = load_text(kChain + "maps:\n  shared: {file: \"" + write_temporary("deep.json", deep) + "\"}\n");
  EXPECT_THAT(nested->said(), HasSubstr("nested too deep"));
  EXPECT_THAT(load_text(kChain + "maps:\n  shared: {file: /nonexistent.json}\n")->said(), HasSubstr("No such file"));
}

TEST(Loader, AMapWithoutSizeNeedsOne) {
  const std::string text = programs({{"user", "uses_unsized"}}, "unsized") +
                           "pipelines: {main: {entry: user}}\nattach: [{ports: [a], ingress: main}]\n";
  EXPECT_THAT(load_text(text)->said(), HasSubstr("leaves its size open: set maps.unsized.max_entries"));
  EXPECT_TRUE(load_text(text + "maps: {unsized: {max_entries: 5}}\n")->pipeline);
}

const std::string kInner = programs({{"user", "last"}}, "inner") +
                           "pipelines: {main: {entry: user, on_pass: b}}\nattach: [{ports: [a], ingress: main}]\n";

TEST(Loader, EntriesOfAMapOfMapsNameMaps) {
  const auto loading =
      load_text(kInner + "maps:\n  levels: {entries: {1: fast, 3: fast}}\n  fast: {entries: {7: 70}}\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  vm::Map* const levels = map_named(*loading->pipeline, "levels");
  const auto inside = [&](std::uint32_t key) {
    return reinterpret_cast<vm::Map*>(levels->lookup(reinterpret_cast<const std::byte*>(&key), 0));
  };
  EXPECT_EQ(inside(0), map_named(*loading->pipeline, "slow"));  // as the object says
  EXPECT_EQ(inside(1), map_named(*loading->pipeline, "fast"));
  EXPECT_EQ(inside(2), nullptr);
  EXPECT_EQ(inside(3), inside(1));
  EXPECT_EQ(read_u64(*loading->pipeline, "levels", 1), inside(1)->id());
  EXPECT_NE(inside(1)->id(), inside(0)->id());
  EXPECT_EQ(read_u64(*loading->pipeline, "fast", 7), 70U);
}

TEST(Loader, MistakesInMapsOfMapsAreAllReported) {
  const auto loading = load_text(kInner +
                                 "maps:\n"
                                 "  levels:\n    entries:\n"
                                 "      - {key: 1, value: fasst}\n"
                                 "      - {key: 2, value: pinned}\n"
                                 "      - {key: 4, value: fast}\n"
                                 "      - {key: 3, value: [fast]}\n"
                                 "  later: {entries: {0: 1}}\n");
  EXPECT_FALSE(loading->pipeline);
  const std::string said = loading->said();
  EXPECT_THAT(said, HasSubstr("10: map levels: value: there is no map 'fasst', or several"));
  EXPECT_THAT(said, HasSubstr("11: map levels: the map named there is not like those that may be inside"));
  EXPECT_THAT(said, HasSubstr("12: map levels: the index is out of range 0..3"));
  EXPECT_THAT(said, HasSubstr("13: map levels: value: the name of a map is expected"));
  EXPECT_THAT(said, HasSubstr("14: map later: a stack has no keys: programs fill it"));
}

TEST(Loader, MapsOfTwoObjectsAreSharedWhenTheConfigurationSaysSo) {
  const auto loading = load_text(kTwoObjects +
                                 "maps:\n  jumps: {shared_by: [entry, last]}\n"
                                 "  shared: {shared_by: [entry, last], entries: {0: 3}}\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  unsigned instances = 0;
  for (const NamedMap& map : loading->pipeline->maps()) {
    if (map.name == "shared" || map.name == "pinned") {
      EXPECT_EQ(map.objects.size(), 2U) << map.name;
      ++instances;
    }
  }
  EXPECT_EQ(instances, 2U);  // `pinned` is shared by its own declaration
}

TEST(Loader, MapsWithOnePinAreOneInstance) {
  const auto loading =
      load_text(kTwoObjects +
                "maps:\n  jumps: {pin: calls}\n"
                "  shared: {pin: pinned, entries: {0: 3}}\n  pinned: {pin: pinned, entries: {1: 4}}\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(map_named(*loading->pipeline, "shared") != nullptr, map_named(*loading->pipeline, "pinned") == nullptr);
  const char* const name = map_named(*loading->pipeline, "shared") != nullptr ? "shared" : "pinned";
  EXPECT_EQ(read_u64(*loading->pipeline, name, 0), 3U);
  EXPECT_EQ(read_u64(*loading->pipeline, name, 1), 4U);
}

TEST(Loader, MapsWithOnePinMustHaveOneLayout) {
  const auto loading = load_text(kTwoObjects + "maps:\n  jumps: {pin: calls}\n  shared: {pin: calls}\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_THAT(loading->said(), HasSubstr("cannot be shared: "));
}

TEST(Loader, AMapThatLeavesItsSizeOpenTakesThatOfWhoSharesIt) {
  const std::string text = "programs:\n  p: {object: \"" + object("unsized") +
                           "\", function: uses_unsized}\n  q: {object: \"" + object("sized") +
                           "\", function: uses_unsized}\n"
                           "pipelines: {main: {entry: p}, other: {entry: q}}\n"
                           "attach: [{ports: [a], ingress: main}, {ports: [b], ingress: other}]\n";
  const auto loading = load_text(text + "maps: {unsized: {shared_by: [p, q]}}\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(map_named(*loading->pipeline, "unsized")->spec().max_entries, 7U);
  EXPECT_THAT(load_text(text)->said(), HasSubstr("leaves its size open"));
}

TEST(Loader, EntriesOfAnUnsharedNameAreAmbiguous) {
  const auto loading =
      load_text(kTwoObjects + "maps:\n  jumps: {shared_by: [entry, last]}\n  shared: {entries: {0: 3}}\n");
  EXPECT_THAT(loading->said(), HasSubstr("each declare one: say in `shared_by`"));
}

TEST(Loader, SharedMapsMustHaveOneLayout) {
  const auto loading = load_text("programs:\n  entry: {object: \"" + object("stages") +
                                 "\", function: entry}\n  last: {object: \"" + object("wide") +
                                 "\", function: last}\n"
                                 "pipelines:\n  main: {entry: entry, tail_calls: {jumps: {1: last}}, on_pass: b}\n"
                                 "attach: [{ports: [a], ingress: main}]\n"
                                 "maps:\n  jumps: {shared_by: [entry, last]}\n  shared: {shared_by: [entry, last]}\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_THAT(loading->said(), HasSubstr("map shared cannot be shared: "));
  EXPECT_THAT(loading->said(), HasSubstr("8 entries"));
}

TEST(Loader, SharingAMapThatAnObjectLacksIsAMistake) {
  const auto loading =
      load_text(kTwoObjects + "maps:\n  jumps: {shared_by: [entry, last]}\n  counts: {shared_by: [entry, last]}\n");
  EXPECT_THAT(loading->said(), HasSubstr("map counts: the object of program last declares no such map"));
}

TEST(Loader, DevmapEntriesNamePortsAndDevmapPrograms) {
  const std::string text =
      programs({{"send", "send"}, {"way", "on_the_way"}}) +
      "pipelines: {main: {entry: send, on_pass: drop}}\nattach: [{ports: [a], ingress: main}]\nmaps:\n";
  EXPECT_TRUE(load_text(text + "  ports: {entries: [{key: 0, value: b, program: way}]}\n")->pipeline);
  EXPECT_TRUE(load_text(text + "  ports: {entries: [{key: b, value: {ifindex: c}}]}\n")->pipeline);
  EXPECT_THAT(load_text(text + "  ports: {entries: [{key: 0, value: 77}]}\n")->said(),
              HasSubstr("map ports: value: no port has ifindex 77"));
  EXPECT_THAT(load_text(text + "  ports: {entries: [{key: 0, value: b, program: send}]}\n")->said(),
              HasSubstr("send is xdp, a devmap entry takes SEC(\"xdp/devmap\")"));
}

}  // namespace
}  // namespace sluice::pipeline
