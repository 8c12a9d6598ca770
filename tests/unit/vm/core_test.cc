// CO-RE: what is like what, and what instructions get. The comparison with libbpf is in tests/kernel.
#include <bpf/btf.h>

#include <fstream>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"
#include "vm/core_builtin.h"
#include "vm/core_relocation.h"
#include "vm/elf.h"

namespace sluice::vm {
namespace {

using testing::HasSubstr;

ElfObject against(const std::string& name, const std::string& types) {
  ElfOptions options;
  if (!types.empty()) {
    auto loaded = load_types(object_path(types));
    EXPECT_TRUE(loaded);
    if (loaded) options.kernel_types = *loaded;
  }
  auto object = load_elf(object_path(name), options);
  EXPECT_TRUE(object) << object.error().message;
  return object ? std::move(*object) : ElfObject{};
}

std::vector<std::string> missing(const LoadedProgram& program) {
  std::vector<std::string> found;
  for (const UnresolvedAccess& access : program.unresolved) found.push_back(access.what);
  return found;
}

TEST(Core, FlavoursAreCutOffNames) {
  EXPECT_EQ(essential_name("task___v2"), "task");
  EXPECT_EQ(essential_name("task___v2___old"), "task___v2");
  for (const char* name : {"task", "task___", "___v2", "task____v2", "a__b", ""}) {
    EXPECT_EQ(essential_name(name), name);
  }
}

TEST(Core, MembersMoveWithTheTypesOfTheTarget) {
  const ElfObject object = against("core.c19.o", "core_target.c19.o");
  // `f->grown = 3` stores 8 bytes at 16 where the program's own types had 4 at 4.
  const LoadedProgram& program = *object.program("offsets");
  const auto store = std::ranges::find_if(program.insns, [](const Insn& insn) { return (insn.opcode & 7) == 3; });
  EXPECT_TRUE(std::ranges::any_of(program.insns, [](const Insn& insn) {
    return insn.opcode == 0x7b && insn.offset == 16;  // stx 8 bytes
  })) << (store == program.insns.end());
  EXPECT_TRUE(program.unresolved.empty());
}

TEST(Core, WhatIsNotThereIsNamedAndMayNotRun) {
  const ElfObject object = against("core.c19.o", "core_target.c19.o");
  const LoadedProgram& program = *object.program("unguarded");
  EXPECT_THAT(missing(program), testing::ElementsAre("byte offset of struct frame.absent"));
  EXPECT_EQ(program.insns[program.unresolved[0].insn].imm, kPoisonHelper);
  EXPECT_THAT(missing(*object.program("guarded")), testing::SizeIs(1));
  // Nobody knows struct frame without a file of types.
  EXPECT_FALSE(missing(*against("core.c19.o", "").program("offsets")).empty());
}

// Each union has the one before it twice: to look everywhere would take 2^32 steps.
TEST(Core, UnionsInUnionsAreNotSearchedForEver) {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__new_empty(), btf__free);
  int last = btf__add_int(types.get(), "unsigned int", 4, 0);
  for (int depth = 0; depth < 31; ++depth) {
    const int made = btf__add_union(types.get(), nullptr, 4);
    const char* const name = depth == 0 ? "deep" : nullptr;
    ASSERT_EQ(btf__add_field(types.get(), name, last, 0, 0), 0);
    if (depth != 0) {
      ASSERT_EQ(btf__add_field(types.get(), nullptr, last, 0, 0), 0);
    }
    last = made;
  }
  ASSERT_GT(btf__add_struct(types.get(), "frame", 4), 0);
  ASSERT_EQ(btf__add_field(types.get(), nullptr, last, 0, 0), 0);
  std::uint32_t size = 0;
  const void* const bytes = btf__raw_data(types.get(), &size);
  const std::string path = testing::TempDir() + "unions.btf";
  std::ofstream(path, std::ios::binary).write(static_cast<const char*>(bytes), size);
  auto target = load_types(path);
  ASSERT_TRUE(target) << target.error().message;
  const auto object = load_elf(object_path("core.c19.o"), {.kernel_types = std::move(*target)});
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_FALSE(missing(*object->program("offsets")).empty());
}

TEST(Core, HeadersAreBuiltIn) {
  const ElfObject object = against("core_headers.o", "");
  const LoadedProgram& program = *object.program("headers");
  EXPECT_TRUE(program.unresolved.empty());
  const auto loads = [&](std::uint8_t opcode, std::int16_t offset) {
    return std::ranges::any_of(program.insns,
                               [&](const Insn& insn) { return insn.opcode == opcode && insn.offset == offset; });
  };
  EXPECT_TRUE(loads(0x61, 4)) << "xdp_md.data_end";
  EXPECT_TRUE(loads(0x69, 12)) << "ethhdr.h_proto";
}

TEST(Core, PatchesThatDoNotFitTheirInstructionAreRefused) {
  const CorePatch patch{.before = {.value = 4}, .after = {.value = 8}, .what = "byte offset of struct s.m"};
  const auto said = [](const CorePatch& change, std::vector<Insn> insns) {
    const auto done = apply_core_patch(change, insns);
    return done ? std::string("done") : done.error().message;
  };
  EXPECT_EQ(said(patch, {{.opcode = 0x61, .offset = 4}}), "done");
  EXPECT_THAT(said(patch, {{.opcode = 0x61, .offset = 5}}), HasSubstr("the instruction has 5 where its types say 4"));
  EXPECT_THAT(said(patch, {{.opcode = 0xb7, .imm = 3}}), HasSubstr("has 3 where"));
  EXPECT_THAT(said(patch, {{.opcode = 0xbf}}), HasSubstr("takes no number"));
  EXPECT_THAT(said(patch, {{.opcode = 0x95}}), HasSubstr("opcode 0x95 cannot be relocated"));
  EXPECT_THAT(said(patch, {{.opcode = 0x18, .imm = 4}}), HasSubstr("no lddw of a number"));
  CorePatch far = patch;
  far.after.value = 40000;
  EXPECT_THAT(said(far, {{.opcode = 0x61, .offset = 4}}), HasSubstr("40000 is too far"));
  CorePatch wrong = patch;
  wrong.error = "its access is no list of indices";
  EXPECT_THAT(said(wrong, {{.opcode = 0x61}}), HasSubstr("of byte offset of struct s.m: its access is no list"));
}

TEST(Core, FilesWithoutTypesAreRefused) {
  EXPECT_THAT(load_types("/nonexistent").error().message, HasSubstr("/nonexistent: No such file"));
  EXPECT_THAT(load_types(object_path("maps.plain.o")).error().message, HasSubstr("no section .BTF"));
  EXPECT_EQ(load_types("/tmp").error().message, "/tmp: not a regular file");
  const std::string path = testing::TempDir() + "empty.btf";
  std::ofstream(path).close();
  EXPECT_THAT(load_types(path).error().message, HasSubstr("0 bytes hold no header"));
}

}  // namespace
}  // namespace sluice::vm
