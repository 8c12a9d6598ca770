// One object in the forms that other compilers write gives the same programs and maps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vm/elf_rewrite.h"
#include "tests/unit/vm/objects.h"
#include "vm/elf.h"

namespace sluice::vm {
namespace {

void expect_equal(const ElfObject& a, const ElfObject& b) {
  ASSERT_EQ(a.programs.size(), b.programs.size());
  for (std::size_t i = 0; i < a.programs.size(); ++i) {
    EXPECT_EQ(a.programs[i].name, b.programs[i].name);
    EXPECT_TRUE(a.programs[i].insns == b.programs[i].insns) << a.programs[i].name;
  }
  ASSERT_EQ(a.maps.size(), b.maps.size());
  for (std::size_t i = 0; i < a.maps.size(); ++i) {
    EXPECT_EQ(a.maps[i].spec.name, b.maps[i].spec.name);
    EXPECT_EQ(a.maps[i].spec.max_entries, b.maps[i].spec.max_entries);
    EXPECT_EQ(a.maps[i].initial, b.maps[i].initial);
    EXPECT_EQ(a.maps[i].tails, b.maps[i].tails);
    ASSERT_EQ(a.maps[i].inner.size(), b.maps[i].inner.size());
    for (std::size_t k = 0; k < a.maps[i].inner.size(); ++k) {
      EXPECT_EQ(a.maps[i].inner[k].map, b.maps[i].inner[k].map);
    }
  }
}

// `change` makes another form of each of these objects.
void expect_same_object(const std::vector<std::string>& names,
                        std::vector<std::byte> (*change)(std::vector<std::byte>)) {
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const auto image = read_file(object_path(name));
    const auto other = change(image);
    ASSERT_NE(image, other);
    const auto a = parse_elf(image, name);
    const auto b = parse_elf(other, name);
    ASSERT_TRUE(a) << a.error().message;
    ASSERT_TRUE(b) << b.error().message;
    expect_equal(*a, *b);
  }
}

std::vector<std::string> many(std::initializer_list<const char*> stems) {
  std::vector<std::string> names;
  for (const char* stem : stems) {
    for (std::string& name : variants(stem)) names.push_back(std::move(name));
  }
  return names;
}

TEST(ElfForms, MachineZeroIsTakenForBpf) {
  expect_same_object(many({"calls", "globals", "maps"}), without_machine);
  expect_same_object({"iproute2.c14.plain.o", "legacy_maps5.c19.o"}, without_machine);
}

TEST(ElfForms, RelocationsWithAddendsSayWhatThePatchedPlaceWould) {
  expect_same_object(many({"callbacks", "calls", "globals", "map_kinds", "maps"}), with_addends);
  expect_same_object({"iproute2.c14.o", "legacy_maps7.c19.o", "special_fields.o"}, with_addends);
}

// What has no bytes in the file has no address either.
TEST(ElfForms, ALicenceWithoutBytesIsNone) {
  const std::string name = variants("maps").front();
  std::vector<std::byte> image = read_file(object_path(name));
  const auto before = parse_elf(image, name);
  ASSERT_TRUE(before) << before.error().message;
  ASSERT_EQ(before->license, "GPL");
  each_section(image, [&image](Elf64_Shdr& section) {
    const bool is_license = section.sh_type == SHT_PROGBITS && section.sh_size == sizeof "GPL" &&
                            std::memcmp(image.data() + section.sh_offset, "GPL", sizeof "GPL") == 0;
    if (is_license) section.sh_type = SHT_NOBITS;
  });
  const auto after = parse_elf(image, name);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->license, "");
}

TEST(ElfForms, SymbolsNeedNoType) {
  expect_same_object(many({"globals", "maps"}), without_symbol_types);
  expect_same_object({"iproute2.c14.o", "iproute2.c19.plain.o", "legacy_maps5.c14.o", "legacy_maps9.c19.o"},
                     without_symbol_types);
}

}  // namespace
}  // namespace sluice::vm
