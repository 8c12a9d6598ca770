#include "vm/elf.h"

#include <algorithm>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"

namespace sluice::vm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> program_names(const ElfObject& object) {
  std::vector<std::string> names;
  for (const LoadedProgram& program : object.programs) names.push_back(program.name);
  return names;
}

std::vector<std::string> subprogram_names(const LoadedProgram& program) {
  std::vector<std::string> names;
  for (const Subprogram& sub : program.subprograms) names.push_back(sub.name);
  return names;
}

// The sub-program that a call or address at `slot` means, or "" when it does not hit a start.
std::string target_of(const LoadedProgram& program, std::size_t slot) {
  const std::int64_t target = static_cast<std::int64_t>(slot) + 1 + program.insns[slot].imm;
  for (const Subprogram& sub : program.subprograms) {
    if (sub.start == target) return sub.name;
  }
  return {};
}

// Names of all sub-programs called or taken the address of, in order of the instructions.
std::vector<std::string> references(const LoadedProgram& program) {
  std::vector<std::string> names;
  for (std::size_t slot = 0; slot < program.insns.size(); ++slot) {
    const Insn& insn = program.insns[slot];
    if (insn.opcode == 0x85 && insn.src == 1) names.push_back(target_of(program, slot));
    if (insn.opcode == 0x18 && insn.src == 4) names.push_back(target_of(program, slot));
    if (insn.opcode == 0x18) ++slot;
  }
  return names;
}

// Every instruction is one that RFC 9669 knows.
void expect_known(const LoadedProgram& program) {
  for (std::size_t slot = 0; slot < program.insns.size(); ++slot) {
    const InsnRow* row = find(program.insns[slot]);
    ASSERT_NE(row, nullptr) << program.name << " slot " << slot;
    slot += slots(*row) - 1;
  }
}

TEST(Elf, EveryObjectOfEveryCompilerLoads) {
  for (const char* stem : {"callbacks", "calls", "globals", "maps", "own_section", "sections", "types"}) {
    for (const std::string& name : variants(stem)) {
      SCOPED_TRACE(name);
      const ElfObject object = load(name);
      EXPECT_NE(object.btf, nullptr);
      EXPECT_FALSE(object.programs.empty());
      for (const LoadedProgram& program : object.programs) {
        expect_known(program);
        EXPECT_EQ(program.object, object_path(name));
      }
    }
  }
}

TEST(Elf, ObjectsWithoutBtfGiveTheSameInstructions) {
  for (const char* stem : {"callbacks", "calls", "globals", "own_section"}) {
    const auto with = variants(stem);
    const auto without = variants(stem, ".plain.o");
    for (std::size_t i = 0; i < with.size(); ++i) {
      SCOPED_TRACE(without[i]);
      const ElfObject a = load(with[i]);
      const ElfObject b = load(without[i]);
      EXPECT_EQ(b.btf, nullptr);
      ASSERT_EQ(program_names(a), program_names(b));
      for (std::size_t p = 0; p < a.programs.size(); ++p) {
        EXPECT_EQ(a.programs[p].insns, b.programs[p].insns);
        EXPECT_TRUE(b.programs[p].lines.empty());
        for (const Subprogram& sub : b.programs[p].subprograms) EXPECT_FALSE(sub.is_global);
      }
    }
  }
}

TEST(Elf, DataSectionsBecomeMapsWithTheirContents) {
  for (const char* suffix : {".o", ".plain.o"}) {
    for (const std::string& name : variants("globals", suffix)) {
      SCOPED_TRACE(name);
      const ElfObject object = load(name);
      for (const char* section : {".rodata", ".data", ".bss", ".data.tuning", ".rodata.table"}) {
        const MapDecl* map = find_map(object, section);
        ASSERT_NE(map, nullptr) << section;
        EXPECT_EQ(map->spec.type, MapType::kArray);
        EXPECT_EQ(map->spec.max_entries, 1U);
        EXPECT_EQ(map->initial.size(), map->spec.value_size);
        const bool constant = std::string_view(section).starts_with(".rodata");
        EXPECT_EQ((map->spec.flags & kMapReadOnlyProg) != 0, constant);
      }
      EXPECT_EQ(find_map(object, ".rodata")->origin, MapDecl::Origin::kRodata);
      EXPECT_EQ(find_map(object, ".data")->origin, MapDecl::Origin::kData);
      EXPECT_EQ(find_map(object, ".bss")->origin, MapDecl::Origin::kBss);
      EXPECT_EQ(find_map(object, ".data.tuning")->initial,
                (std::vector{std::byte{42}, std::byte{}, std::byte{}, std::byte{}}));
      for (const std::byte b : find_map(object, ".bss")->initial) EXPECT_EQ(b, std::byte{0});
    }
  }
}

TEST(Elf, VariablesHaveTheirPlacesFromTheSymbolTable) {
  for (const std::string& name : variants("globals")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    bool seen_limit = false;
    for (const char* section : {".rodata", ".data", ".bss", ".data.tuning", ".rodata.table"}) {
      const auto variables = object.btf->variables(section);
      ASSERT_FALSE(variables.empty());
      std::uint32_t end = 0;
      for (const Btf::Variable& variable : variables) {
        EXPECT_GE(variable.offset, end) << variable.name;
        end = variable.offset + variable.size;
        EXPECT_EQ(variable.size, object.btf->size(variable.type));
        if (variable.name != "limit") continue;
        seen_limit = true;
        std::uint32_t value = 0;
        std::memcpy(&value, find_map(object, ".rodata")->initial.data() + variable.offset, 4);
        EXPECT_EQ(value, 1500U);
      }
      EXPECT_LE(end, find_map(object, section)->spec.value_size);
    }
    EXPECT_TRUE(seen_limit);
  }
}

// Where in which map every data reference goes, as "map+offset".
std::vector<std::string> data_references(const ElfObject& object, const LoadedProgram& program) {
  std::vector<std::string> found;
  for (std::size_t slot = 0; slot + 1 < program.insns.size(); ++slot) {
    if (program.insns[slot].opcode != 0x18) continue;
    if (program.insns[slot].src == 2) {
      const auto map = static_cast<std::size_t>(program.insns[slot].imm);
      found.push_back(object.maps.at(map).spec.name + "+" + std::to_string(program.insns[slot + 1].imm));
    }
    ++slot;
  }
  return found;
}

TEST(Elf, DataReferencesHoldMapAndOffset) {
  for (const std::string& name : variants("globals")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    const auto found = data_references(object, object.programs.at(0));
    // Every variable of .bss and .data is used, static ones too, which clang refers to by section.
    for (const char* section : {".data", ".bss", ".data.tuning", ".rodata.table"}) {
      for (const Btf::Variable& variable : object.btf->variables(section)) {
        EXPECT_THAT(found, testing::Contains(std::string(section) + "+" + std::to_string(variable.offset)))
            << variable.name;
      }
    }
  }
}

TEST(Elf, SubProgramsAreAppendedDepthFirstOnce) {
  for (const std::string& name : variants("calls")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    EXPECT_THAT(program_names(object), ElementsAre("first", "second", "alone"));
    const LoadedProgram& first = *object.program("first");
    EXPECT_THAT(subprogram_names(first), ElementsAre("first", "middle", "leaf", "global_sum"));
    EXPECT_THAT(references(first), ElementsAre("middle", "global_sum", "leaf", "leaf", "leaf"));
    const LoadedProgram& second = *object.program("second");
    EXPECT_EQ(second.section, "xdp");
    EXPECT_EQ(second.subprograms[0].start, 0U);
    EXPECT_EQ(subprogram_names(second)[0], "second");
    EXPECT_EQ(second.subprograms.size(), 4U);
    for (const std::string& target : references(second)) EXPECT_NE(target, "");
    const LoadedProgram& alone = *object.program("alone");
    EXPECT_EQ(alone.section, "xdp/inline");
    EXPECT_EQ(alone.subprograms.size(), 1U);
    EXPECT_EQ(alone.insns.size(), 2U);
  }
}

TEST(Elf, OnlyVisibleSubProgramsAreGlobal) {
  for (const std::string& name : variants("calls")) {
    const ElfObject object = load(name);
    for (const LoadedProgram& program : object.programs) {
      for (const Subprogram& sub : program.subprograms) {
        const bool is_static = sub.name == "leaf" || sub.name == "middle" || sub.name == "hidden_one";
        EXPECT_EQ(sub.is_global, !is_static) << sub.name;
      }
    }
  }
}

TEST(Elf, FunctionAddressesAreKeptAndTheirFunctionsAppended) {
  for (const std::string& name : variants("callbacks")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    const LoadedProgram& program = *object.program("loops");
    EXPECT_THAT(references(program), ElementsAre("add_two", "add_one", "weigh"));
    EXPECT_THAT(subprogram_names(program), ElementsAre("loops", "add_two", "add_one", "weigh"));
  }
}

TEST(Elf, StaticFunctionsBesideTheirCallerAreSubPrograms) {
  for (const std::string& name : variants("own_section")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    const LoadedProgram* caller = object.program("caller");
    ASSERT_NE(caller, nullptr);
    EXPECT_EQ(object.program("beside"), nullptr);
    EXPECT_THAT(subprogram_names(*caller), ElementsAre("caller", "beside"));
    EXPECT_THAT(references(*caller), ElementsAre("beside"));
  }
}

TEST(Elf, SymbolsWithoutTypeOrSizeAreProgramsWhereNothingElseIs) {
  for (const std::string& name : variants("own_section")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    const LoadedProgram* untyped = object.program("untyped");
    ASSERT_NE(untyped, nullptr);
    EXPECT_EQ(untyped->insns.size(), 5U);
    ASSERT_NE(object.program("untyped_next"), nullptr);
    EXPECT_EQ(object.program("untyped_next")->insns.size(), 2U);
    EXPECT_EQ(object.program("label"), nullptr);
  }
}

TEST(Elf, SectionNamesDecideTypeAndFrags) {
  for (const std::string& name : variants("sections")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    EXPECT_EQ(object.program("plain")->type, &xdp_type());
    EXPECT_FALSE(object.program("plain")->frags);
    EXPECT_TRUE(object.program("frags")->frags);
    EXPECT_EQ(object.program("on_devmap")->type, &xdp_devmap_type());
    EXPECT_EQ(object.program("on_cpumap")->type, &xdp_cpumap_type());
    EXPECT_TRUE(object.program("on_cpumap")->frags);
    EXPECT_NE(object.program("optional"), nullptr);
    EXPECT_THAT(object.other_sections, ElementsAre("tc", "tracepoint/syscalls/sys_enter_openat"));
    EXPECT_EQ(object.license, "");
  }
}

std::string listing(const ElfObject& object) {
  std::string text;
  for (const ListedProgram& other : object.others) {
    text += other.name + " " + (other.type.empty() ? "?" : std::string(other.type)) + (other.why.empty() ? "" : " !") +
            "\n";
  }
  return text;
}

TEST(Elf, ProgramsOfOtherTypesAreListedWithTheirType) {
  EXPECT_EQ(listing(load("sections.c19.v3.o")), "classifier sched_cls\ntrace tracepoint\n");
  const ElfObject object = load("unknown_sections.o");
  EXPECT_THAT(program_names(object), ElementsAre("linkable"));
  EXPECT_EQ(listing(object), "plain ?\nplain_too ?\nunlinkable xdp !\nprobe kprobe\n");
  EXPECT_GT(object.listed("plain")->insns, 2U);
  EXPECT_THAT(why_not(*object.listed("plain")), HasSubstr("section \"prog\" does not say what type"));
  EXPECT_THAT(why_not(*object.listed("probe")), HasSubstr("is of type kprobe, which is not run here"));
  EXPECT_THAT(why_not(*object.listed("unlinkable")), HasSubstr("\"CONFIG_HZ\" is not defined in this object"));
}

TEST(Elf, ProgramsAreTakenForWhatTheUserSays) {
  const auto names_with = [](const ElfOptions& options) {
    const auto object = load_elf(object_path("unknown_sections.o"), options);
    return object ? program_names(*object) : std::vector<std::string>{object.error().message};
  };
  EXPECT_THAT(names_with({.unknown_type = &xdp_type()}), ElementsAre("plain", "plain_too", "linkable"));
  EXPECT_THAT(names_with({.types = {{"plain_too", &xdp_devmap_type()}}}), ElementsAre("plain_too", "linkable"));
  EXPECT_THAT(names_with({.types = {{"probe", &xdp_type()}}}), ElementsAre("linkable", "probe"));
  EXPECT_EQ(load_elf(object_path("unknown_sections.o"), {.types = {{"plain_too", &xdp_devmap_type()}}})
                ->program("plain_too")
                ->type,
            &xdp_devmap_type());
}

TEST(Elf, AnObjectNoneOfWhoseProgramsLinkIsListedOnly) {
  EXPECT_FALSE(load_elf(object_path("externs.o")));
  const auto object = load_elf(object_path("externs.o"), {.list_only = true});
  ASSERT_TRUE(object);
  EXPECT_EQ(listing(*object), "use_extern xdp !\n");
}

TEST(Elf, LinesFollowTheirInstructionsIntoThePrograms) {
  for (const std::string& name : variants("calls")) {
    SCOPED_TRACE(name);
    const ElfObject object = load(name);
    for (const char* program_name : {"first", "second"}) {
      const LoadedProgram& program = *object.program(program_name);
      ASSERT_FALSE(program.lines.empty());
      for (std::size_t i = 1; i < program.lines.size(); ++i) {
        EXPECT_LT(program.lines[i - 1].insn, program.lines[i].insn);
      }
      EXPECT_THAT(program.line_at(0)->file, HasSubstr("calls.bpf.c"));
      for (const Subprogram& sub : program.subprograms) {
        if (sub.name != "leaf") continue;
        bool seen = false;  // `volatile int y = x * 3;` stands in leaf and nowhere else
        for (const SourceLine& line : program.lines) {
          if (line.text.find("x * 3") == std::string::npos) continue;
          seen = true;
          EXPECT_EQ(program.subprograms[program.subprogram_at(line.insn)].name, "leaf");
          EXPECT_GT(line.line, 0U);
          EXPECT_GT(line.column, 0U);
        }
        EXPECT_TRUE(seen);
      }
    }
  }
}

TEST(Elf, MissingFilesAreAnEnvironmentError) {
  auto object = load_elf(object_path("nothing.o"));
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code, ErrorCode::kEnvironment);
  EXPECT_THAT(object.error().message, HasSubstr("No such file"));
  EXPECT_FALSE(load_elf(SLUICE_TEST_OBJECTS));
}

TEST(Elf, RefusalsNameWhatIsWrong) {
  EXPECT_THAT(refusal("externs.o"),
              HasSubstr("section \"xdp\": program \"use_extern\": offset 0 of \"xdp\", externs.bpf.c:12: "
                        "\"CONFIG_HZ\" is not defined"));
  EXPECT_THAT(refusal("maps.plain.o"), HasSubstr("no .BTF that describes it, compile with -g"));
  EXPECT_THAT(refusal("bad_maps1.o"), HasSubstr("map \"wrong\" does not say its type"));
  EXPECT_THAT(refusal("bad_maps2.o"), HasSubstr("map \"wrong\" has an unknown member \"colour\""));
  EXPECT_THAT(refusal("bad_maps3.o"), HasSubstr("map \"wrong\" gives two sizes by \"key\": 8 and 4"));
  EXPECT_THAT(refusal("bad_maps4.o"), HasSubstr("map \"wrong\" is no struct"));
  EXPECT_THAT(refusal("bad_maps5.o"), HasSubstr("member \"type\" that was not made by __uint"));
  EXPECT_THAT(refusal("bad_maps6.o"), HasSubstr("\"value\" type without a size"));
  EXPECT_THAT(refusal("bad_maps7.o"), HasSubstr("has pinning 9"));
  EXPECT_THAT(refusal("bad_maps8.o"), HasSubstr("member \"key\" that was not made by __type"));
  EXPECT_THAT(refusal("bad_maps9.o"), HasSubstr("map \"wrong.inner\" is pinned, which a map inside another cannot be"));
  EXPECT_THAT(refusal("bad_maps10.o"), HasSubstr("map \"wrong.inner\" has values, which a map inside another"));
  EXPECT_THAT(refusal("bad_maps11.o"), HasSubstr("map \"wrong\" values[1] is no map"));
}

TEST(Elf, WhatIsNoBpfObjectIsRefused) {
  EXPECT_THAT(parse_elf({}, "x.o").error().message, HasSubstr("x.o: not an ELF file"));
  auto image = read_file(object_path("calls.c19.v3.o"));
  const auto with = [&image](std::size_t offset, int value) {
    auto changed = image;
    changed[offset] = static_cast<std::byte>(value);
    auto object = parse_elf(changed, "x.o");
    return object ? std::string("accepted") : object.error().message;
  };
  EXPECT_THAT(with(0, 'M'), HasSubstr("not an ELF file"));
  EXPECT_THAT(with(4, 1), testing::Not("accepted"));           // EI_CLASS: 32 bits
  EXPECT_THAT(with(5, 2), testing::Not("accepted"));           // EI_DATA: big-endian
  EXPECT_THAT(with(16, 3), HasSubstr("ELF type 3"));           // e_type: shared object
  EXPECT_THAT(with(18, 62), HasSubstr("compile with clang"));  // e_machine: x86-64
}

}  // namespace
}  // namespace sluice::vm
