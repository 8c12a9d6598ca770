// Instructions as libbpf relocates them while loading into the kernel, and as we do: equal but for how maps are named.
#include <sys/utsname.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/kernel/peer.h"
#include "vm/core_builtin.h"
#include "vm/elf.h"

namespace sluice::kernel {
namespace {

// Map references by name: ours are indices, libbpf's are descriptors.
std::vector<std::string> map_names(std::vector<vm::Insn>& insns, const std::map<int, std::string>& names) {
  std::vector<std::string> used;
  for (std::size_t slot = 0; slot < insns.size(); ++slot) {
    vm::Insn& insn = insns[slot];
    if (insn.opcode != 0x18) continue;
    if (insn.src == 1 || insn.src == 2) {
      const auto found = names.find(insn.imm);
      used.push_back(found == names.end() ? "unknown" : found->second);
      insn.imm = 0;
    }
    ++slot;
  }
  return used;
}

std::vector<std::string> objects() {
  std::vector<std::string> paths;
  for (const char* folder : {SLUICE_TEST_OBJECTS, SLUICE_PROGRAMS}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      // libbpf 1.x does without legacy maps; the object of unknown sections has externs and other types' maps.
      const bool is_bad = name.starts_with("bad_") || name.starts_with("externs") || name.starts_with("legacy_maps") ||
                          name.starts_with("iproute2") || name.starts_with("unknown_sections") ||
                          name.starts_with("core") || name == "maps.plain.o";
      // libbpf refuses static functions in programs' sections; the kernel refuses callbacks without BTF ("missing btf
      // func_info"), and what it refuses has no instructions to compare with.
      // Two locks in one value make the kernel refuse all of an object's types, and then its lock has none.
      const bool kernel_refuses = name.starts_with("own_section") || name.starts_with("tail_tags") ||
                                  name == "special_fields.o" ||
                                  (name.starts_with("callbacks") && name.find(".plain") != std::string::npos);
      if (entry.path().extension() == ".o" && !is_bad && !kernel_refuses) {
        paths.push_back(entry.path());
      }
    }
  }
  std::ranges::sort(paths);
  return paths;
}

// Programs that the kernel refuses, and by which words: libbpf has relocated them all the same, so that they are
// compared too. None of them names a map: of refused objects libbpf closes the descriptors.
struct Refusal {
  std::string_view object, program, words;
};
constexpr Refusal kRefusals[] = {
    // The kernel knows what a callback takes only from BTF, which objects without debug information lack.
    {".plain.o", "loops", "missing btf func_info"},
    // Made to be refused, by us too: reads a frame of unknown length.
    {"/cli.o", "careless", "invalid access to packet"},
};

// What both sides are told about `.kconfig`.
constexpr std::string_view kOptions =
    "CONFIG_SWITCHED=y\nCONFIG_MODULE=m\nCONFIG_LETTER=y\nCONFIG_NUMBER=3\nCONFIG_SIGNED=-1\nCONFIG_TEXT=\"abc\"\n";

vm::KconfigValues our_options() {
  return {{"CONFIG_SWITCHED", "y"}, {"CONFIG_MODULE", "m"},  {"CONFIG_LETTER", "y"},
          {"CONFIG_NUMBER", "3"},   {"CONFIG_SIGNED", "-1"}, {"CONFIG_TEXT", "abc"}};
}

Result<vm::ElfObject> open_ours(const std::string& path) { return vm::load_elf(path, {.kconfig = our_options()}); }

Result<Object> open_theirs(const std::string& path, std::span<const std::string> programs = {}) {
  return Object::open(path, programs, std::string(kOptions));
}

void compare_program(const std::string& path, const vm::ElfObject& ours, const vm::LoadedProgram& program) {
  SCOPED_TRACE(path + " " + program.name);
  std::vector<std::string> wanted = {program.name};
  if (program.name == "use_maps") wanted.emplace_back("next_stage");  // its prog array holds that one from the start
  auto theirs = open_theirs(path, wanted);
  ASSERT_TRUE(theirs) << theirs.error().message;
  const Verdict verdict = theirs->load();
  const auto* refusal = std::ranges::find_if(
      kRefusals, [&](const Refusal& known) { return path.ends_with(known.object) && program.name == known.program; });
  if (refusal != std::end(kRefusals)) {
    ASSERT_FALSE(verdict.accepted);
    ASSERT_THAT(verdict.log, testing::HasSubstr(refusal->words));
    ASSERT_FALSE(theirs->instructions(program.name).empty());
  } else {
    ASSERT_TRUE(verdict.accepted) << verdict.log;
  }
  std::map<int, std::string> their_names;
  for (const MapHandle& map : theirs->maps()) their_names[map.fd()] = map.spec().name;
  std::map<int, std::string> our_names;
  for (std::size_t i = 0; i < ours.maps.size(); ++i) our_names[static_cast<int>(i)] = ours.maps[i].spec.name;

  std::vector<vm::Insn> mine = program.insns;
  std::vector<vm::Insn> other = theirs->instructions(program.name);
  EXPECT_EQ(map_names(mine, our_names), map_names(other, their_names));
  ASSERT_EQ(mine.size(), other.size());
  for (std::size_t slot = 0; slot < mine.size(); ++slot) {
    ASSERT_TRUE(mine[slot] == other[slot])
        << "slot " << slot << " imm " << mine[slot].imm << " and " << other[slot].imm;
  }
}

void compare_maps(const std::string& path, const vm::ElfObject& ours) {
  SCOPED_TRACE(path);
  auto theirs = open_theirs(path);
  ASSERT_TRUE(theirs) << theirs.error().message;
  std::map<std::string, vm::MapSpec> specs;
  for (const MapHandle& map : theirs->maps()) specs[map.spec().name] = map.spec();
  EXPECT_EQ(specs.size(), ours.maps.size());
  for (const vm::MapDecl& map : ours.maps) {
    SCOPED_TRACE(map.spec.name);
    ASSERT_TRUE(specs.contains(map.spec.name));
    const vm::MapSpec& spec = specs[map.spec.name];
    EXPECT_EQ(map.spec.type, spec.type);
    EXPECT_EQ(map.spec.key_size, spec.key_size);
    EXPECT_EQ(map.spec.value_size, spec.value_size);
    EXPECT_EQ(map.spec.max_entries, spec.max_entries);
    EXPECT_EQ(map.spec.flags, spec.flags);
  }
}

TEST(LibbpfOracle, RelocatedInstructionsAreEqual) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_GT(objects().size(), 60U);
  for (const std::string& path : objects()) {
    auto ours = open_ours(path);
    ASSERT_TRUE(ours) << ours.error().message;
    for (const vm::LoadedProgram& program : ours->programs) compare_program(path, *ours, program);
  }
}

TEST(LibbpfOracle, MapDeclarationsAreEqual) {
  for (const std::string& path : objects()) {
    auto ours = open_ours(path);
    ASSERT_TRUE(ours) << ours.error().message;
    compare_maps(path, *ours);
  }
}

// Relocates every program of an object against the types of a file on both sides; "" = what is built in here, and what
// the running kernel has there.
void compare_core(const std::string& path, const std::string& our_types, const std::string& their_types) {
  SCOPED_TRACE(path + " " + our_types);
  vm::ElfOptions options;
  if (!our_types.empty()) {
    auto types = vm::load_types(our_types);
    ASSERT_TRUE(types) << types.error().message;
    options.kernel_types = *types;
  }
  const auto ours = vm::load_elf(path, options);
  ASSERT_TRUE(ours) << ours.error().message;
  ASSERT_TRUE(ours->others.empty()) << ours->others.front().why;
  for (const vm::LoadedProgram& program : ours->programs) {
    SCOPED_TRACE(program.name);
    const std::vector<std::string> wanted = {program.name};
    auto theirs = Object::open(path, wanted, {}, their_types);
    ASSERT_TRUE(theirs) << theirs.error().message;
    const Verdict verdict = theirs->load();  // what is refused is relocated all the same
    EXPECT_EQ(verdict.accepted, program.name != "unguarded") << verdict.log;
    std::vector<vm::Insn> mine = program.insns;
    std::vector<vm::Insn> other = theirs->instructions(program.name);
    map_names(mine, {});
    map_names(other, {});
    ASSERT_EQ(mine.size(), other.size());
    for (std::size_t slot = 0; slot < mine.size(); ++slot) {
      ASSERT_TRUE(mine[slot] == other[slot])
          << "slot " << slot << " opcodes " << int{mine[slot].opcode} << " " << int{other[slot].opcode} << " imm "
          << mine[slot].imm << " " << other[slot].imm << " offset " << mine[slot].offset << " " << other[slot].offset;
    }
  }
}

TEST(LibbpfOracle, CoreRelocationsAreEqual) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  const std::string folder = std::string(SLUICE_TEST_OBJECTS) + "/";
  for (const char* compiler : {"c14", "c19"}) {
    for (const char* target : {"c14", "c19"}) {
      const std::string types = folder + "core_target." + target + ".o";
      compare_core(folder + "core." + compiler + ".o", types, types);
    }
  }
}

TEST(LibbpfOracle, TypesThatAreBuiltInAreTheKernels) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  const std::string vmlinux = "/sys/kernel/btf/vmlinux";
  if (!std::filesystem::exists(vmlinux)) GTEST_SKIP() << vmlinux << " is not there";
  const std::string object = std::string(SLUICE_TEST_OBJECTS) + "/core_headers.o";
  compare_core(object, vmlinux, {});
  compare_core(object, {}, {});
}

TEST(LibbpfOracle, OptionsHaveEqualBytes) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  const std::string path = std::string(SLUICE_TEST_OBJECTS) + "/kconfig.o";
  auto theirs = open_theirs(path);
  ASSERT_TRUE(theirs) << theirs.error().message;
  const Verdict verdict = theirs->load();
  ASSERT_TRUE(verdict.accepted) << verdict.log;
  auto map = theirs->map(".kconfig");
  ASSERT_TRUE(map) << map.error().message;
  const auto entries = map->dump();
  ASSERT_EQ(entries.size(), 1U);

  vm::KconfigValues options = our_options();  // libbpf takes the kernel's version from the kernel that runs
  utsname system{};
  ASSERT_EQ(uname(&system), 0);
  unsigned major = 0, minor = 0, patch = 0;
  ASSERT_EQ(std::sscanf(system.release, "%u.%u.%u", &major, &minor, &patch), 3);
  options["LINUX_KERNEL_VERSION"] = std::to_string((major << 16) + (minor << 8) + std::min(patch, 255U));
  const auto ours = vm::load_elf(path, {.kconfig = options});
  ASSERT_TRUE(ours) << ours.error().message;
  const auto mine = std::ranges::find(ours->maps, ".kconfig", [](const vm::MapDecl& one) { return one.spec.name; });
  ASSERT_NE(mine, ours->maps.end());
  EXPECT_EQ(mine->initial, entries.front().value);
}

TEST(LibbpfOracle, TheKernelTakesOurInstructionsAndMaps) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  std::vector<std::string> paths = objects();
  // What libbpf 1.x does not open.
  for (const char* name : {"iproute2.c14.o", "iproute2.c19.plain.o", "legacy_maps7.c19.o", "tail_tags.c19.o"}) {
    paths.push_back(std::string(SLUICE_TEST_OBJECTS) + "/" + name);
  }
  for (const std::string& path : paths) {
    SCOPED_TRACE(path);
    auto ours = open_ours(path);
    ASSERT_TRUE(ours) << ours.error().message;
    for (vm::MapDecl& map : ours->maps) map.spec.max_entries = std::max(map.spec.max_entries, 1U);
    auto maps = create_maps(*ours);
    ASSERT_TRUE(maps) << maps.error().message;
    for (const vm::LoadedProgram& program : ours->programs) {
      // Programs for devmap and cpumap and callbacks need what only libbpf passes: attach types and function types.
      if (program.type != &vm::xdp_type() || program.name == "loops") continue;
      if (program.name == "careless") continue;             // made to be refused
      if (program.frags || program.name == "one_helper") {  // one prog array cannot have both
        auto fresh = create_maps(*ours);
        ASSERT_TRUE(fresh) << fresh.error().message;
        const RawProgram loaded = load_instructions(program, *fresh);
        EXPECT_TRUE(loaded.verdict.accepted) << program.name << "\n" << loaded.verdict.log;
        continue;
      }
      const RawProgram loaded = load_instructions(program, *maps);
      EXPECT_TRUE(loaded.verdict.accepted) << program.name << "\n" << loaded.verdict.log;
    }
  }
}

TEST(Peer, RefusalsCarryTheVerifiersLog) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  vm::LoadedProgram program;
  program.insns = {{.opcode = 0x79, .dst = 0, .src = 2}, {.opcode = 0x95}};  // r0 = *(u64 *)(r2 + 0); exit
  const RawProgram loaded = load_instructions(program, {});
  EXPECT_FALSE(loaded.verdict.accepted);
  EXPECT_FALSE(loaded.fd);
  EXPECT_EQ(loaded.verdict.error, EACCES);
  EXPECT_THAT(loaded.verdict.log, testing::HasSubstr("R2 !read_ok"));
}

TEST(Peer, WhatDoesNotExistIsAnError) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  EXPECT_FALSE(Object::open("/nonexistent.o"));
  auto object = Object::open(std::string(SLUICE_PROGRAMS) + "/drop.bpf.o");
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_FALSE(object->patch(".rodata", 0, std::vector<std::byte>(4)));
  EXPECT_FALSE(object->resize("nothing", 4));
  EXPECT_FALSE(object->program("xdp_drop"));  // not loaded yet
  ASSERT_TRUE(object->load().accepted);
  EXPECT_TRUE(object->program("xdp_drop"));
  EXPECT_FALSE(object->program("nothing"));
  EXPECT_FALSE(object->map("nothing"));
  EXPECT_TRUE(object->instructions("nothing").empty());
  auto program = object->program("xdp_drop");
  EXPECT_FALSE(run(*program, {.data = std::vector<std::byte>(13)}));  // shorter than an Ethernet header
  EXPECT_FALSE(create_map({.name = "bad", .type = static_cast<vm::MapType>(9999)}));
}

TEST(Peer, MapsAreWrittenReadAndErased) {
  if (const std::string why = unavailable(); !why.empty()) GTEST_SKIP() << why;
  auto fd = create_map({.name = "a hash!", .type = vm::MapType::kPercpuHash, .value_size = 4, .max_entries = 2});
  ASSERT_TRUE(fd) << fd.error().message;
  const MapHandle map(fd->get(), {.type = vm::MapType::kPercpuHash, .key_size = 4, .value_size = 4});
  EXPECT_EQ(map.transfer_size(), 8 * possible_cpus());
  const std::vector<std::byte> key(4);
  std::vector<std::byte> value(map.transfer_size(), std::byte{5});
  EXPECT_EQ(map.update(key, value), 0);
  EXPECT_EQ(map.update(key, value, 1), -EEXIST);
  EXPECT_EQ(map.update(key, std::vector<std::byte>(3)), -EINVAL);
  EXPECT_EQ(map.read(std::vector<std::byte>(3), value), -EINVAL);
  EXPECT_EQ(map.erase(std::vector<std::byte>(3)), -EINVAL);
  EXPECT_EQ(map.dump().size(), 1U);
  EXPECT_EQ(map.read(key, value), 0);
  EXPECT_EQ(map.erase(key), 0);
  EXPECT_EQ(map.erase(key), -ENOENT);
}

}  // namespace
}  // namespace sluice::kernel
