#include "vm/program.h"

#include <type_traits>

#include <gtest/gtest.h>

#include "vm/ctx_fields.h"
#include "vm/helper_desc.h"
#include "vm/maps/map.h"
#include "vm/program_type.h"

namespace sluice::vm {
namespace {

static_assert(!std::is_constructible_v<VerifiedProgram, LoadedProgram, Facts>, "only a key makes a VerifiedProgram");
static_assert(!std::is_default_constructible_v<VerifierKey>);

TEST(LoadedProgram, LineAtGivesTheRecordThatCoversASlot) {
  LoadedProgram program;
  EXPECT_EQ(program.line_at(0), nullptr);
  program.lines = {{.insn = 2, .line = 10}, {.insn = 5, .line = 11}};
  EXPECT_EQ(program.line_at(1), nullptr);
  EXPECT_EQ(program.line_at(2)->line, 10U);
  EXPECT_EQ(program.line_at(4)->line, 10U);
  EXPECT_EQ(program.line_at(5)->line, 11U);
  EXPECT_EQ(program.line_at(500)->line, 11U);
}

TEST(LoadedProgram, SubprogramAtGivesTheOneThatHoldsASlot) {
  LoadedProgram program;
  EXPECT_EQ(program.subprogram_at(7), 0U);
  program.subprograms = {{.start = 0}, {.start = 4}, {.start = 9}};
  EXPECT_EQ(program.subprogram_at(0), 0U);
  EXPECT_EQ(program.subprogram_at(3), 0U);
  EXPECT_EQ(program.subprogram_at(4), 1U);
  EXPECT_EQ(program.subprogram_at(8), 1U);
  EXPECT_EQ(program.subprogram_at(100), 2U);
}

TEST(ProgramType, SectionNamesOfLibbpfAndOldSamples) {
  struct Case {
    std::string_view section;
    const ProgramType* type;
    bool frags;
  };
  const Case cases[] = {
      {"xdp", &xdp_type(), false},
      {"?xdp", &xdp_type(), false},
      {"xdp.frags", &xdp_type(), true},
      {"xdp/devmap", &xdp_devmap_type(), false},
      {"xdp.frags/devmap", &xdp_devmap_type(), true},
      {"xdp/cpumap", &xdp_cpumap_type(), false},
      {"xdp.frags/cpumap", &xdp_cpumap_type(), true},
      {"xdp_devmap/map_prog", &xdp_devmap_type(), false},
      {"xdp_cpumap/map_prog", &xdp_cpumap_type(), false},
      {"xdp_redirect_map", &xdp_type(), false},
      {"xdp1", &xdp_type(), false},
      {"xdp/anything", &xdp_type(), false},
      {"prog", nullptr, false},
      {"2/7", &xdp_type(), false},
      {"2/", nullptr, false},
      {"/2", nullptr, false},
      {"2/x", nullptr, false},
      {"tc", nullptr, false},
      {"socket", nullptr, false},
      {"", nullptr, false},
  };
  for (const Case& c : cases) {
    bool frags = true;
    EXPECT_EQ(type_of_section(c.section, &frags), c.type) << c.section;
    EXPECT_EQ(frags, c.frags) << c.section;
  }
  EXPECT_EQ(type_of_section("xdp", nullptr), &xdp_type());
}

TEST(ProgramType, SectionNamesNameTypesThatAreNotRunHere) {
  const std::pair<const char*, const char*> cases[] = {
      {"xdp", "xdp"},
      {"xdp.frags/devmap", "xdp/devmap"},
      {"tc", "sched_cls"},
      {"tc/ingress", "sched_cls"},
      {"tcp", ""},
      {"classifier", "sched_cls"},
      {"socket1", "socket_filter"},
      {"?kprobe/tcp_v4_connect", "kprobe"},
      {"kprobe.multi/a*", "kprobe"},
      {"tp/sched/sched_switch", "tracepoint"},
      {"tp_btf/xdp_exception", "tracing"},
      {"fentry/func", "tracing"},
      {"freplace/f", "ext"},
      {"cgroup_skb/egress", "cgroup_skb"},
      {"cgroup/skb", "cgroup_skb"},
      {"cgroup/sock_create", "cgroup_sock"},
      {"cgroup/connect4", "cgroup_sock_addr"},
      {"raw_tp.w/x", "raw_tracepoint_writable"},
      {"prog", ""},
      {"filter", ""},
      {"", ""},
  };
  for (const auto& [section, type] : cases) EXPECT_EQ(type_name_of_section(section), type) << section;
}

TEST(ProgramType, ContextFieldsAreFoundAtTheirExactOffsetOnly) {
  for (std::int64_t offset = -4; offset < 32; ++offset) {
    const ContextField* field = context_field(xdp_devmap_type(), offset);
    EXPECT_EQ(field != nullptr, offset >= 0 && offset < kXdpMdBytes && offset % 4 == 0) << offset;
    EXPECT_TRUE(field == nullptr || field->offset == offset);
  }
  EXPECT_EQ(context_field(memory_type(), 0), nullptr);
}

TEST(ProgramType, OnlyDevmapProgramsReadTheEgressIfindex) {
  EXPECT_EQ(context_field(xdp_type(), 20), nullptr);
  EXPECT_EQ(context_field(xdp_cpumap_type(), 20), nullptr);
  EXPECT_EQ(context_field(xdp_devmap_type(), 20)->name, "egress_ifindex");
}

TEST(HelperNames, KnowAllHelpersOfTheKernelByTheirId) {
  EXPECT_EQ(kernel_helper_name(1), "map_lookup_elem");
  EXPECT_EQ(kernel_helper_name(69), "fib_lookup");
  EXPECT_EQ(kernel_helper_name(208), "ktime_get_tai_ns");
  EXPECT_EQ(kernel_helper_name(211), "cgrp_storage_delete");
  EXPECT_EQ(kernel_helper_name(0), "");
  EXPECT_EQ(kernel_helper_name(-1), "");
  EXPECT_EQ(kernel_helper_name(212), "");
  for (std::int32_t id = 1; id <= 211; ++id) EXPECT_FALSE(kernel_helper_name(id).empty()) << id;
}

}  // namespace
}  // namespace sluice::vm
