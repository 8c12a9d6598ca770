// Map declarations of objects, in BTF and in the older layouts, and the maps that are made of them.
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"
#include "vm/elf.h"

namespace sluice::vm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Elf, MapDeclarationsAreReadFromBtf) {
  for (const std::string& name : variants("maps")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    // A compiler may also put constants of the code into a data section.
    EXPECT_EQ(std::ranges::count(object.maps, MapDecl::Origin::kDeclared, &MapDecl::origin), 6);
    const MapDecl* flows = find_map(object, "flows");
    ASSERT_NE(flows, nullptr);
    EXPECT_EQ(flows->origin, MapDecl::Origin::kDeclared);
    EXPECT_EQ(flows->spec.type, MapType::kHash);
    EXPECT_EQ(flows->spec.key_size, 12U);
    EXPECT_EQ(flows->spec.value_size, 16U);
    EXPECT_EQ(flows->spec.max_entries, 1024U);
    EXPECT_EQ(object.btf->name(flows->spec.key_type), "flow");
    EXPECT_EQ(object.btf->name(flows->spec.value_type), "counter");
    const MapDecl* counters = find_map(object, "counters");
    ASSERT_NE(counters, nullptr);
    EXPECT_EQ(counters->spec.type, MapType::kPercpuArray);
    EXPECT_EQ(counters->spec.key_size, 4U);
    EXPECT_EQ(counters->spec.value_size, 16U);
    EXPECT_EQ(counters->spec.key_type, 0U);
    const MapDecl* routes = find_map(object, "routes");
    ASSERT_NE(routes, nullptr);
    EXPECT_EQ(routes->spec.flags, kMapNoPrealloc);
    EXPECT_EQ(routes->spec.key_size, 8U);
    const MapDecl* pinned = find_map(object, "pinned");
    ASSERT_NE(pinned, nullptr);
    EXPECT_TRUE(pinned->spec.pin_by_name);
    EXPECT_FALSE(routes->spec.pin_by_name);
    const MapDecl* stages = find_map(object, "stages");
    ASSERT_NE(stages, nullptr);
    EXPECT_EQ(stages->spec.type, MapType::kProgArray);
    EXPECT_EQ(stages->spec.value_size, 4U);
    EXPECT_EQ(stages->spec.max_entries, 3U);
  }
}

TEST(Elf, MapReferencesIndexTheObjectsMaps) {
  for (const std::string& name : variants("maps")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    const LoadedProgram* program = object.program("use_maps");
    ASSERT_NE(program, nullptr);
    std::vector<std::string> used;
    for (const Insn& insn : program->insns) {
      if (insn.opcode != 0x18 || insn.src != 1) continue;
      ASSERT_LT(static_cast<std::size_t>(insn.imm), object.maps.size());
      used.push_back(object.maps[static_cast<std::size_t>(insn.imm)].spec.name);
    }
    EXPECT_THAT(used, testing::UnorderedElementsAre("counters", "flows", "routes", "ports", "pinned", "stages"));
    EXPECT_EQ(object.license, "GPL");
    EXPECT_EQ(program->license, "GPL");
    EXPECT_NE(object.program("next_stage"), nullptr);
    EXPECT_EQ(object.program("absent"), nullptr);
  }
}

TEST(Elf, LegacyMapsAreReadInEveryLayout) {
  for (const char* name : {"legacy_maps5.c14.o", "legacy_maps5.c19.o", "legacy_maps7.c14.o", "legacy_maps7.c19.o",
                           "legacy_maps9.c14.o", "legacy_maps9.c19.o"}) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    ASSERT_GE(object.maps.size(), 2U);
    const MapSpec& second = object.maps[0].spec;  // by place in the section
    EXPECT_EQ(second.name, "second");
    EXPECT_EQ(second.type, MapType::kHash);
    EXPECT_EQ(second.key_size, 8U);
    EXPECT_EQ(second.value_size, 16U);
    EXPECT_EQ(second.max_entries, 100U);
    const bool iproute2 = std::string_view(name).find("maps9") != std::string_view::npos;
    EXPECT_EQ(second.flags, kMapNoPrealloc | (iproute2 ? 0 : kMapNumaNode));
    EXPECT_EQ(second.pin_by_name, iproute2);  // elsewhere that word is a NUMA node
    EXPECT_EQ(object.btf->size(second.key_type), 8U);
    EXPECT_EQ(object.btf->size(second.value_type), 16U);
    const MapSpec& first = object.maps[1].spec;
    EXPECT_EQ(first.name, "first");
    EXPECT_EQ(first.type, MapType::kArray);
    EXPECT_EQ(first.max_entries, 0U);
    EXPECT_FALSE(first.pin_by_name);
    EXPECT_EQ(first.key_type, 0U);

    const LoadedProgram& program = *object.program("use_legacy");
    std::vector<std::int32_t> used;
    for (std::size_t slot = 0; slot < program.insns.size(); ++slot) {
      if (program.insns[slot].opcode != 0x18) continue;
      EXPECT_EQ(program.insns[slot].src, static_cast<unsigned>(Imm64::kMap));
      used.push_back(program.insns[slot++].imm);
    }
    EXPECT_THAT(used, ElementsAre(0, 1));
  }
}

TEST(Elf, LegacyMapsThatMakeNoSenseAreRefused) {
  EXPECT_THAT(refusal("bad_legacy_maps1.o"), HasSubstr("map \"wrong\" sets fields past byte 36 of its 40"));
  EXPECT_THAT(refusal("bad_legacy_maps2.o"), HasSubstr("64 bytes for 3 maps, expected as many definitions of 16..256"));
  EXPECT_THAT(refusal("bad_legacy_maps3.o"), HasSubstr("map \"wrong\" has pinning 3, expected 0, 1 or 2"));
}

TEST(Elf, OnlyNeededMapsAreMade) {
  const ElfObject object = load("unknown_sections.o");
  EXPECT_FALSE(make_maps(object, 1));  // stack traces are not supported
  std::vector<bool> needed(object.maps.size());
  mark_maps(object, *object.program("linkable"), needed);
  const auto maps = make_maps(object, 1, needed);
  ASSERT_TRUE(maps);
  EXPECT_EQ(maps->at(0), nullptr);
}

TEST(Elf, MapsOfMapsKnowWhatIsInside) {
  for (const std::string& name : variants("map_kinds")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    const MapDecl* parity = find_map(object, "parity");
    const MapDecl* sizes = find_map(object, "sizes");
    ASSERT_TRUE(parity != nullptr && sizes != nullptr);
    ASSERT_NE(parity->spec.inner, nullptr);
    EXPECT_EQ(parity->spec.value_size, 4U);
    EXPECT_EQ(parity->spec.inner->name, "parity.inner");
    EXPECT_EQ(parity->spec.inner->type, MapType::kHash);
    EXPECT_EQ(parity->spec.inner->max_entries, 8U);
    EXPECT_EQ(sizes->spec.inner->flags, kMapInner);
    const auto inside = [&](const MapDecl& map) {
      std::vector<std::string> names;
      for (const MapDecl::Inner& inner : map.inner) {
        names.push_back(std::to_string(inner.key) + " " + object.maps[inner.map].spec.name);
      }
      return names;
    };
    EXPECT_THAT(inside(*parity), ElementsAre("0 even", "1 odd"));
    EXPECT_THAT(inside(*sizes), ElementsAre("1 few", "2 many"));
  }
}

TEST(Elf, MapsOfMapsAreMadeWithWhatIsInside) {
  const ElfObject object = load("map_kinds.c19.v3.o");
  const auto maps = make_maps(object, 1);
  ASSERT_TRUE(maps) << maps.error().message;
  for (std::size_t i = 0; i < object.maps.size(); ++i) {
    EXPECT_EQ((*maps)[i]->id(), i + 1);
    for (const MapDecl::Inner& inner : object.maps[i].inner) {
      const auto* const key = reinterpret_cast<const std::byte*>(&inner.key);
      EXPECT_EQ(reinterpret_cast<const Map*>((*maps)[i]->lookup(key, 0)), (*maps)[inner.map].get());
    }
  }
  const ElfObject wrong = load("bad_maps12.o");
  const auto none = make_maps(wrong, 1);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("map \"wrong\": values[1]: map \"other\" cannot be inside: Invalid"));
}

}  // namespace
}  // namespace sluice::vm
