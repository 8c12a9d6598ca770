#include "dataplane/pipeline/loader.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/loading.h"

namespace sluice::pipeline {
namespace {

using testing::HasSubstr;

// Programs from line 3 on: p, each a line.
std::string programs(const std::vector<std::pair<std::string, std::string>>& list, const std::string& name = "stages") {
  std::string text = "programs:\n";
  for (const auto& [program, function] : list) {
    text += "  " + program + ": {object: \"" + object(name) + "\", function: " + function + "}\n";
  }
  return text;
}

const std::string kChain = programs({{"entry", "entry"}, {"last", "last"}}) +
                           "pipelines:\n"
                           "  main: {entry: entry, tail_calls: {jumps: {SLOT_B: last}}, on_pass: b}\n"
                           "attach: [{ports: [a], ingress: main}]\n";

vm::Map* map_named(const Pipeline& pipeline, std::string_view name) {
  for (const NamedMap& map : pipeline.maps()) {
    if (map.name == name) return map.map.get();
  }
  return nullptr;
}

std::uint64_t read_u64(const Pipeline& pipeline, std::string_view map, std::uint32_t key) {
  std::uint64_t value = 0;
  EXPECT_EQ(
      map_named(pipeline, map)->read(reinterpret_cast<const std::byte*>(&key), reinterpret_cast<std::byte*>(&value)),
      0);
  return value;
}

TEST(Loader, WiresAChainByTailCalls) {
  const auto loading = load_text(kChain);
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(loading->said(), "5: warning: last calls slot 2 of jumps, which is empty: the call falls through\n");
  EXPECT_EQ(loading->pipeline->stages(), 2U);
  EXPECT_EQ(loading->pipeline->ports()[0].ingress, 0);
  EXPECT_EQ(loading->pipeline->ports()[1].ingress, kNone);
  EXPECT_EQ(loading->pipeline->chains()[0].on_pass, 1);
  ASSERT_EQ(loading->report.edges.size(), 1U);
  EXPECT_EQ(loading->report.edges[0].from, "entry");
  EXPECT_EQ(loading->report.edges[0].to, "last");
  EXPECT_EQ(loading->report.edges[0].slot, 1U);
  EXPECT_TRUE(loading->report.stages[0].verified);
  EXPECT_GT(loading->report.stages[0].insns, 5U);
  EXPECT_EQ(loading->report.stages[0].section, "xdp");
}

TEST(Loader, CompilesForTheJit) {
  const auto loading = load_text(kChain, Engine::kJit);
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_GT(loading->report.stages[0].code_bytes, 0U);
}

TEST(Loader, FindsPortsByNameAndNumber) {
  const auto loading = load_text(kChain);
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(loading->pipeline->port_named("c"), 2);
  EXPECT_EQ(loading->pipeline->port_named("d"), kNone);
  EXPECT_EQ(loading->pipeline->port_of(3), 2);
  EXPECT_EQ(loading->pipeline->port_of(0), kNone);
  EXPECT_EQ(loading->pipeline->port_of(4095), kNone);
  EXPECT_EQ(loading->pipeline->port_of(4'000'000'000U), kNone);
}

TEST(Loader, LargeIfindicesAreFoundToo) {
  const auto loading =
      load_text("x-note: none\n" + programs({{"last", "last"}}) +
                "pipelines: {main: {entry: last, on_pass: drop}}\nattach: [{ports: [a], ingress: main}]\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  Pipeline::Parts parts{.ports = {{.name = "x", .ifindex = 70'000}, {.name = "y", .ifindex = 5'000}}};
  const Pipeline pipeline(std::move(parts));
  EXPECT_EQ(pipeline.port_of(70'000), 0);
  EXPECT_EQ(pipeline.port_of(5'000), 1);
  EXPECT_EQ(pipeline.port_of(6'000), kNone);
}

TEST(Loader, PassWithoutOnPassIsAMistake) {
  const auto loading = load_text(programs({{"last", "last"}}) +
                                 "pipelines:\n  main: {entry: last}\nattach: [{ports: [a], ingress: main}]\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_THAT(loading->said(), HasSubstr("6: pipeline main: last can return XDP_PASS"));
}

TEST(Loader, PassBehindATailCallCountsToo) {
  const auto loading = load_text(programs({{"entry", "entry"}, {"last", "last"}}) +
                                 "pipelines:\n  main: {entry: entry, tail_calls: {jumps: {1: last}}}\n"
                                 "attach: [{ports: [a], ingress: main}]\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_THAT(loading->said(), HasSubstr("pipeline main: last can return XDP_PASS"));
}

TEST(Loader, GlobalsAreSetBeforeVerification) {
  // With `pass` false the verifier knows that XDP_PASS never comes: no on_pass is asked for.
  const auto loading = load_text("programs:\n  last: {object: \"" + object("stages") +
                                 "\", function: last, globals: {pass: false}}\n"
                                 "pipelines:\n  main: {entry: last}\nattach: [{ports: [a], ingress: main}]\n");
  EXPECT_TRUE(loading->pipeline) << loading->said();
}

TEST(Loader, WrongGlobalsAreAllReported) {
  const auto loading =
      load_text("programs:\n  last:\n    object: \"" + object("stages") +
                "\"\n    function: last\n    globals:\n      pas: false\n      target: many\n      pass: 7\n"
                "pipelines: {main: {entry: last, on_pass: drop}}\n"
                "attach: [{ports: [a], ingress: main}]\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_THAT(loading->said(), HasSubstr("8: program last: global pas: "));
  EXPECT_THAT(loading->said(), HasSubstr("did you mean 'pass'?"));
  EXPECT_THAT(loading->said(), HasSubstr("9: program last: global target: expected u32"));
  EXPECT_THAT(loading->said(), HasSubstr("10: program last: global pass: expected true or false, not '7'"));
}

TEST(Loader, ProgramsOfOneObjectMustAgreeOnGlobals) {
  const std::string head = "programs:\n  last: {object: \"" + object("stages") +
                           "\", function: last, globals: {pass: false}}\n  entry: {object: \"" + object("stages") +
                           "\", function: entry, globals: {pass: ";
  const std::string tail =
      "}}\npipelines: {main: {entry: entry, tail_calls: {jumps: {1: last}}}}\n"
      "attach: [{ports: [a], ingress: main}]\n";
  EXPECT_TRUE(load_text(head + "false" + tail)->pipeline);
  const auto differing = load_text(head + "true" + tail);
  EXPECT_FALSE(differing->pipeline);
  EXPECT_THAT(differing->said(), HasSubstr("5: program entry: global pass: another program of the same object set it"));
}

TEST(Loader, MissingObjectsAndFunctionsAreMistakes) {
  const auto loading = load_text(
      "programs:\n  one: {object: /nonexistent.o}\n  two: {object: /nonexistent.o}\n"
      "  many: {object: \"" +
      object("stages") +
      "\"}\n"
      "  wrong: {object: \"" +
      object("stages") +
      "\", function: lost}\n"
      "pipelines: {main: {entry: one, on_pass: drop}}\n"
      "attach: [{ports: [a], ingress: main}]\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_THAT(loading->said(), HasSubstr("4: program one: cannot read its object: "));
  EXPECT_THAT(loading->said(), HasSubstr("6: program many: "));
  EXPECT_THAT(loading->said(), HasSubstr("holds several programs: say `function:` (entry, "));
  EXPECT_THAT(loading->said(), HasSubstr("has no program 'lost'; did you mean 'last'?"));
}

TEST(Loader, AnObjectThatIsNoneIsRejectedNotAConfigMistake) {
  const std::string path = write_temporary("bad.o", "this is not an object");
  const auto loading = load_text("programs:\n  one: {object: \"" + path +
                                 "\"}\n"
                                 "pipelines: {main: {entry: one, on_pass: drop}}\n"
                                 "attach: [{ports: [a], ingress: main}]\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_FALSE(loading->report.diagnostics.has_errors()) << loading->said();
  ASSERT_EQ(loading->report.rejected.size(), 1U);
  EXPECT_THAT(loading->report.rejected[0].text, HasSubstr("error[object]: "));
}

TEST(Loader, ARefusedProgramIsRejectedWithTheVerifiersText) {
  const auto loading = load_text(programs({{"unsafe", "unsafe"}}) +
                                 "pipelines: {main: {entry: unsafe, on_pass: drop}}\n"
                                 "attach: [{ports: [a], ingress: main}]\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_FALSE(loading->report.diagnostics.has_errors()) << loading->said();
  ASSERT_EQ(loading->report.rejected.size(), 1U);
  EXPECT_EQ(loading->report.rejected[0].program, "unsafe");
  EXPECT_THAT(loading->report.rejected[0].text, HasSubstr("stages.bpf.c"));
  EXPECT_FALSE(loading->report.stages[0].verified);
}

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

const std::string kAttach = "pipelines: {main: {entry: p, on_pass: b}}\nattach: [{ports: [a], ingress: main}]\n";

TEST(Loader, ProgramsOfOtherTypesAreMistakesThatSayWhy) {
  const auto said = [](const std::string& function) {
    return load_text(programs({{"p", function}}, "unsized") + kAttach)->said();
  };
  EXPECT_THAT(said("probe"), HasSubstr("program \"probe\" in section \"kprobe/tcp_v4_connect\" is of type kprobe"));
  EXPECT_THAT(said("untyped"),
              HasSubstr("section \"prog\" does not say what type program \"untyped\" has; `type: xdp`"));
}

TEST(Loader, TypeSaysWhatAProgramIsTakenForAndUnusedMapsAreNotMade) {
  const std::string file = "{object: \"" + object("unsized") + "\", function: untyped, type: ";
  const auto loading = load_text("programs:\n  p: " + file + "xdp}\n" + kAttach);
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(map_named(*loading->pipeline, "traces"), nullptr);
  EXPECT_EQ(map_named(*loading->pipeline, "unsized"), nullptr);
  EXPECT_THAT(load_text("programs:\n  p: " + file + "xdp}\n" + kAttach + "maps: {traces: {max_entries: 4}}\n")->said(),
              HasSubstr("map type stack_trace is not supported"));
  EXPECT_THAT(load_text("programs:\n  p: " + file + "xdp}\n  q: " + file + "xdp/devmap}\n" + kAttach)->said(),
              HasSubstr("5: program q: another program of the same object takes it for xdp"));
}

const std::string kTwoObjects = "programs:\n  entry: {object: \"" + object("stages") +
                                "\", function: entry}\n  last: {object: \"" + object("other") +
                                "\", function: last}\n"
                                "pipelines:\n  main: {entry: entry, tail_calls: {jumps: {1: last}}, on_pass: b}\n"
                                "attach: [{ports: [a], ingress: main}]\n";

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

TEST(Loader, ProgramsThatTheObjectPutsIntoProgArraysBecomeStages) {
  const std::string object = std::string(SLUICE_TEST_OBJECTS) + "/iproute2.c19.o";
  const std::string rest = "pipelines: {main: {entry: p}}\nattach: [{ports: [a], ingress: main}]\n";
  const auto loading = load_text("programs:\n  p: {object: \"" + object + "\", function: entry}\n" + rest);
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(loading->said(), "");
  ASSERT_EQ(loading->report.stages.size(), 3U);
  EXPECT_EQ(loading->report.stages[1].name, "p/first");
  EXPECT_EQ(loading->report.stages[2].function, "sixteenth");
  std::vector<std::string> edges;
  for (const auto& edge : loading->report.edges) {
    edges.push_back(edge.from + " " + edge.to + " " + std::to_string(edge.slot));
  }
  EXPECT_THAT(edges, testing::ElementsAre("p p/sixteenth 16", "p/sixteenth p/first 1"));
}

TEST(Loader, TheFileHasTheLastWordOnSlots) {
  const std::string object = std::string(SLUICE_TEST_OBJECTS) + "/iproute2.c19.o";
  const auto program = [&](const std::string& name) {
    return "  " + name + ": {object: \"" + object + "\", function: " + name + "}\n";
  };
  const auto loading = load_text("programs:\n" + program("entry") + program("first") +
                                 "pipelines: {main: {entry: entry, tail_calls: {calls: {16: first}}}}\n"
                                 "attach: [{ports: [a], ingress: main}]\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_EQ(loading->said(), "");
  ASSERT_EQ(loading->report.edges.size(), 1U);
  EXPECT_EQ(loading->report.edges[0].to, "first");
}

TEST(Loader, UnsharedProgArraysOfTwoObjectsAreAmbiguous) {
  EXPECT_THAT(load_text(kTwoObjects)->said(), HasSubstr("each have their own map jumps: say `shared_by`"));
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

TEST(Loader, WrongSlotsAreMistakes) {
  const auto slot = [](const std::string& name) {
    return load_text(programs({{"entry", "entry"}, {"last", "last"}}) + "pipelines:\n  main:\n    entry: entry\n" +
                     "    tail_calls:\n      jumps: {" + name +
                     ": last}\n    on_pass: drop\n"
                     "attach: [{ports: [a], ingress: main}]\n")
        ->said();
  };
  EXPECT_THAT(slot("9"), HasSubstr("10: tail call jumps[9]: slot 9 is out of range 0..3"));
  EXPECT_THAT(slot("-1"), HasSubstr("slot -1 is out of range 0..3"));
  EXPECT_THAT(slot("99999999999"), HasSubstr("is out of range 0..3"));
  EXPECT_THAT(slot("SLOTB"), HasSubstr("did you mean 'SLOT_B'?"));
  EXPECT_THAT(slot("SLOT_A"), HasSubstr("slot SLOT_A of jumps is never called"));
}

TEST(Loader, TailCallsNeedAProgArray) {
  const auto calls = [](const std::string& map) {
    return load_text(programs({{"entry", "entry"}, {"last", "last"}}) +
                     "pipelines: {main: {entry: entry, tail_calls: {" + map +
                     ": {1: last}}, on_pass: drop}}\nattach: [{ports: [a], ingress: main}]\n")
        ->said();
  };
  EXPECT_THAT(calls("shared"), HasSubstr("shared is no prog array but array"));
  EXPECT_THAT(calls("jump"), HasSubstr("none of its programs has a map 'jump'"));
}

TEST(Loader, OnePlaceInAProgArrayHoldsOneProgram) {
  const auto loading = load_text(programs({{"entry", "entry"}, {"last", "last"}, {"send", "send"}}) +
                                 "pipelines:\n"
                                 "  one: {entry: entry, tail_calls: {jumps: {1: last}}, on_pass: drop}\n"
                                 "  two: {entry: entry, tail_calls: {jumps: {1: send}}, on_pass: drop}\n"
                                 "attach: [{ports: [a], ingress: one}, {ports: [b], ingress: two}]\n");
  EXPECT_THAT(loading->said(), HasSubstr("slot 1 of jumps holds last already"));
}

TEST(Loader, AProgArrayTakesOneTypeOfProgram) {
  const auto loading = load_text(programs({{"any", "any_slot"}, {"last", "last"}, {"way", "on_the_way"}}) +
                                 "pipelines:\n"
                                 "  main: {entry: any, tail_calls: {jumps: {1: last, 2: way}}, on_pass: drop}\n"
                                 "attach: [{ports: [a], ingress: main}]\n");
  EXPECT_FALSE(loading->pipeline);
  EXPECT_THAT(loading->said(), HasSubstr("all must be of one type"));
}

TEST(Loader, EmptySlotsAndUnusedThingsAreWarnings) {
  const auto loading = load_text(programs({{"entry", "entry"}, {"last", "last"}}) +
                                 "pipelines:\n  main: {entry: entry, on_pass: drop}\n  spare: {entry: entry}\n"
                                 "attach: [{ports: [a], ingress: main}]\n");
  ASSERT_TRUE(loading->pipeline) << loading->said();
  EXPECT_THAT(loading->said(), HasSubstr("warning: entry calls slot 1 of jumps, which is empty"));
  EXPECT_THAT(loading->said(), HasSubstr("warning: pipeline spare is attached to no port"));
  EXPECT_THAT(loading->said(), HasSubstr("warning: program last is used by no pipeline and no map"));
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

TEST(Loader, PipelinesTakeProgramsOfTheirDirection) {
  const std::string text = programs({{"way", "on_the_way"}}) + "pipelines: {main: {entry: way, on_pass: drop}}\n";
  EXPECT_THAT(load_text(text + "attach: [{ports: [a], ingress: main}]\n")->said(),
              HasSubstr("pipeline main starts with way of type xdp/devmap, ingress takes xdp"));
  EXPECT_TRUE(load_text(text + "attach: [{ports: [a], egress: main}]\n")->pipeline);
}

}  // namespace
}  // namespace sluice::pipeline
