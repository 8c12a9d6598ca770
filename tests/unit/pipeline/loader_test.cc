#include "dataplane/pipeline/loader.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/loader_texts.h"

namespace sluice::pipeline {
namespace {

using testing::HasSubstr;

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

TEST(Loader, PipelinesTakeProgramsOfTheirDirection) {
  const std::string text = programs({{"way", "on_the_way"}}) + "pipelines: {main: {entry: way, on_pass: drop}}\n";
  EXPECT_THAT(load_text(text + "attach: [{ports: [a], ingress: main}]\n")->said(),
              HasSubstr("pipeline main starts with way of type xdp/devmap, ingress takes xdp"));
  EXPECT_TRUE(load_text(text + "attach: [{ports: [a], egress: main}]\n")->pipeline);
}

}  // namespace
}  // namespace sluice::pipeline
