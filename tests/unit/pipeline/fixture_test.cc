// What a fixture puts into maps whose values are ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/pipeline/fixture.h"
#include "tests/unit/pipeline/support.h"
#include "vm/maps/xskmap.h"

namespace sluice::pipeline {
namespace {

using testing::HasSubstr;

// An object that declares an XSKMAP of 4 slots.
class XskmapFixture : public testing::Test {
 protected:
  XskmapFixture() {
    object_.path = "sockets.o";
    vm::MapDecl declared;
    declared.spec = {.name = "sockets", .type = vm::MapType::kXskmap, .max_entries = 4};
    object_.maps.push_back(declared);
    maps_.push_back(std::move(*vm::make_map(declared.spec, 1)));
  }
  // What is said against `entries`.
  std::string fill_with(const std::string& entries) {
    Diagnostics diagnostics;
    const auto fixture =
        read_fixture(write_temporary("fixture.yaml", "maps:\n  sockets: {entries: " + entries + "}\n"), diagnostics);
    if (!fixture) return diagnostics.render();
    const auto no_program = [](const std::string& name) -> Result<const vm::ProgramSlot*> {
      return Error{ErrorCode::kUsage, "no program " + name};
    };
    const auto filled =
        fill(*fixture, {.object = object_, .maps = maps_, .unmade = unmade_, .program = no_program}, diagnostics);
    return filled ? diagnostics.render() : filled.error().message;
  }
  [[nodiscard]] std::uint32_t slot(std::uint32_t index) const {
    return dynamic_cast<const vm::Xskmap&>(*maps_.front()).resolve(index);
  }

  vm::ElfObject object_;
  std::vector<std::shared_ptr<vm::Map>> maps_;
  std::vector<std::string> unmade_{""};
};

TEST_F(XskmapFixture, EntriesAreIfindicesThoughThereAreNoPorts) {
  EXPECT_EQ(fill_with("{0: 1, 3: 77}"), "");
  EXPECT_EQ(slot(0), 1U);
  EXPECT_EQ(slot(1), 0U);
  EXPECT_EQ(slot(3), 77U);
}

TEST_F(XskmapFixture, WhatTheMapRefusesIsAMistake) {
  EXPECT_THAT(fill_with("{4: 1}"), HasSubstr("map sockets: the entry is refused"));
  EXPECT_THAT(fill_with("{0: 0}"), HasSubstr("map sockets: the entry is refused"));
  EXPECT_THAT(fill_with("[{key: 0, value: 1, program: p}]"),
              HasSubstr("map sockets: programs are attached to entries of devmaps and cpumaps, and this is xskmap"));
}

}  // namespace
}  // namespace sluice::pipeline
