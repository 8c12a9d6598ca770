// Prog arrays that are filled from the start, and the maps of iproute2.
#include "vm/elf_tails.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"
#include "vm/elf.h"

namespace sluice::vm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const MapDecl& map_of(const ElfObject& object, std::string_view name) {
  const auto found = std::ranges::find(object.maps, name, [](const MapDecl& map) { return map.spec.name; });
  EXPECT_NE(found, object.maps.end()) << name;
  return *found;
}

std::vector<std::string> tails(const MapDecl& map) {
  std::vector<std::string> found;
  for (const MapDecl::Tail& tail : map.tails) found.push_back(std::to_string(tail.key) + " " + tail.program);
  return found;
}

std::vector<std::string> names(const ElfObject& object) {
  std::vector<std::string> found;
  for (const LoadedProgram& program : object.programs) found.push_back(program.name);
  return found;
}

TEST(ElfTails, SectionNamesAreReadAsCReadsNumbers) {
  const auto read = [](std::string_view name) {
    const auto found = tail_section(name);
    return found ? std::to_string(found->id) + " " + std::to_string(found->key) : std::string("none");
  };
  EXPECT_EQ(read("2/1"), "2 1");
  EXPECT_EQ(read("0x10/010"), "16 8");
  EXPECT_EQ(read("4294967295/0"), "4294967295 0");
  for (const char* name :
       {"4294967296/0", "2/", "/2", "2", "xdp/2", "2/1x", "-1/2", "2/+1", "0x/1", "08/1", "2/1/1", ""}) {
    EXPECT_EQ(read(name), "none") << name;
  }
}

TEST(ElfTails, Iproute2SectionsFillTheArrayOfThatId) {
  for (const char* name : {"iproute2.c14.o", "iproute2.c19.o", "iproute2.c14.plain.o", "iproute2.c19.plain.o"}) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    EXPECT_THAT(tails(map_of(object, "calls")), ElementsAre("1 first", "16 sixteenth"));
    EXPECT_THAT(tails(map_of(object, "unused_calls")), ElementsAre("0 of_others"));
    EXPECT_THAT(names(object), ElementsAre("entry", "sixteenth", "first", "of_others", "of_nobody"));
    EXPECT_EQ(object.program("sixteenth")->type, &xdp_type());
    EXPECT_TRUE(object.other_sections.empty());
  }
}

TEST(ElfTails, Iproute2MapsAreInsideWhereTheirIdsSay) {
  for (const char* name : {"iproute2.c14.o", "iproute2.c19.plain.o"}) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    const MapDecl& outer = map_of(object, "outside");
    ASSERT_NE(outer.spec.inner, nullptr);
    EXPECT_EQ(outer.spec.inner->name, "inside");
    EXPECT_EQ(outer.spec.inner->value_size, 8U);
    EXPECT_FALSE(outer.spec.inner->pin_by_name);
    std::vector<std::string> inside;
    for (const MapDecl::Inner& inner : outer.inner) {
      inside.push_back(std::to_string(inner.key) + " " + object.maps[inner.map].spec.name);
    }
    EXPECT_THAT(inside, ElementsAre("3 inside", "1 beside"));
    const auto maps = make_maps(object, 1);
    ASSERT_TRUE(maps) << maps.error().message;
    const std::uint32_t key = 1;
    const auto at = static_cast<std::size_t>(&outer - object.maps.data());
    EXPECT_NE((*maps)[at]->lookup(reinterpret_cast<const std::byte*>(&key), 0), nullptr);
  }
  EXPECT_THAT(refusal("bad_iproute21.c19.o"), HasSubstr("\"outside\" has maps inside like the one of id 99"));
  EXPECT_THAT(refusal("bad_iproute22.c19.o"), HasSubstr("\"calls\": slot 1 is for \"first\" and for \"first_again\""));
}

TEST(ElfTails, TagsFillTheArrayTheyName) {
  for (const char* name : {"tail_tags.c14.o", "tail_tags.c19.o"}) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    EXPECT_THAT(tails(map_of(object, "calls")), ElementsAre("0 middle", "3 last"));
    // A static function that nobody calls is a program.
    EXPECT_THAT(names(object), testing::UnorderedElementsAre("last", "middle", "entry"));
  }
  EXPECT_THAT(refusal("bad_tail_tags1.c19.o"), HasSubstr("\"tail:nothing/0\": the object declares no prog array"));
  EXPECT_THAT(refusal("bad_tail_tags2.c19.o"), HasSubstr("\"wrong\": tag \"tail:calls/many\" is not"));
  EXPECT_THAT(refusal("bad_tail_tags3.c19.o"), HasSubstr("\"calls\": slot 0 is for \"middle\" and for \"wrong\""));
}

TEST(ElfTails, ValuesOfProgArraysAreRead) {
  for (const std::string& name : variants("maps")) {
    SCOPED_TRACE(name);
    EXPECT_THAT(tails(map_of(load(name), "stages")), ElementsAre("1 next_stage"));
  }
}

}  // namespace
}  // namespace sluice::vm
