// CO-RE against types that were made to be slow: what comparing them costs is counted in steps, not in time.
#include <cstring>
#include <memory>
#include <string>

#include <bpf/btf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"
#include "vm/core_types.h"
#include "vm/elf.h"
#include "vm/whole_file.h"

namespace sluice::vm {
namespace {

using testing::HasSubstr;

constexpr unsigned kMost = 0xffff;  // enumerators or members one type can have

struct FreeBtf {
  void operator()(btf* p) const { btf__free(p); }
};
using Types = std::unique_ptr<btf, FreeBtf>;

Btf parsed(const Types& types) {
  std::uint32_t size = 0;
  const auto* const bytes = static_cast<const std::byte*>(btf__raw_data(types.get(), &size));
  auto made = Btf::parse({bytes, size});
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

// An enum of as many enumerators as there can be, `backwards` in the other order.
Btf wide_enum(bool backwards) {
  const Types types(btf__new_empty());
  EXPECT_EQ(btf__add_enum(types.get(), "wide", 4), 1);
  for (unsigned i = 0; i < kMost; ++i) {
    const unsigned number = backwards ? kMost - 1 - i : i;
    EXPECT_EQ(btf__add_enum_value(types.get(), fmt::format("E{}", number).c_str(), number), 0);
  }
  return parsed(types);
}

Btf wide_struct(bool backwards) {
  const Types types(btf__new_empty());
  EXPECT_EQ(btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED), 1);
  EXPECT_EQ(btf__add_struct(types.get(), "wide", 4), 2);
  for (unsigned i = 0; i < kMost; ++i) {
    const unsigned number = backwards ? kMost - 1 - i : i;
    EXPECT_EQ(btf__add_field(types.get(), fmt::format("m{}", number).c_str(), 1, 0, 0), 0);
  }
  return parsed(types);
}

TEST(HostileTypes, EnumsAreComparedInLinearSteps) {
  const Btf local = wide_enum(false);
  const Btf target = wide_enum(true);
  CoreWork work;
  EXPECT_TRUE(does_type_match({&local, 1}, {&target, 1}, work));
  EXPECT_GE(work.spent(), 2 * kMost);
  EXPECT_LT(work.spent(), 3 * kMost);
}

TEST(HostileTypes, StructsAreComparedInLinearSteps) {
  const Btf local = wide_struct(false);
  const Btf target = wide_struct(true);
  CoreWork work;
  EXPECT_TRUE(does_type_match({&local, 2}, {&target, 2}, work));
  EXPECT_LT(work.spent(), 4 * kMost);
}

// A .BTF section of structs without members, all of one name.
std::vector<std::byte> structs_called(const std::string& name, std::size_t bytes) {
  const std::string strings = '\0' + name + '\0';
  const std::size_t count = (bytes - 24 - strings.size()) / 12;
  const auto types_size = static_cast<std::uint32_t>(12 * count);
  const std::uint32_t header[] = {0x0001eb9f, 24,         0,
                                  types_size, types_size, static_cast<std::uint32_t>(strings.size())};
  const std::uint32_t record[] = {1, 4U << 24, 0};  // BTF_KIND_STRUCT
  std::vector<std::byte> section(24 + types_size + strings.size());
  std::memcpy(section.data(), header, sizeof header);
  for (std::size_t i = 0; i < count; ++i) std::memcpy(section.data() + 24 + 12 * i, record, sizeof record);
  std::memcpy(section.data() + 24 + types_size, strings.data(), strings.size());
  return section;
}

// Each relocation asks each type of the name: as many of them as a file can hold are too many to ask.
TEST(HostileTypes, OfTheLargestFileEndWithAnError) {
  auto types = Btf::parse(structs_called("frame", kMaxFileBytes));
  ASSERT_TRUE(types) << types.error().message;
  ASSERT_GT(types->type_count(), 5'000'000U);
  const auto object =
      load_elf(object_path("core.c19.o"), {.kernel_types = std::make_shared<const Btf>(std::move(*types))});
  ASSERT_FALSE(object);
  EXPECT_THAT(object.error().message, HasSubstr("core.c19.o: section \".BTF.ext\": offset "));
  EXPECT_THAT(object.error().message, HasSubstr("take too many steps to compare types"));
}

TEST(HostileTypes, WorkThatIsExhaustedComparesNothingMore) {
  const Btf types = wide_enum(false);
  CoreWork work;
  EXPECT_TRUE(work.spend(CoreWork::kMost));
  EXPECT_FALSE(work.spend(1));
  EXPECT_TRUE(enumerators_of({&types, 1}, work).empty());
  EXPECT_EQ(work.spent(), CoreWork::kMost + 1);
  EXPECT_TRUE(CoreTarget(types).candidates({&types, 1}, work).empty());
}

// 2,000 types with one name of 1 MB: whoever reads all names would read 2 GB.
TEST(HostileTypes, NamesAreNotReadForEver) {
  const std::string name(std::size_t{1} << 20, 'n');
  const auto types = Btf::parse(structs_called(name, name.size() + 26 + 24'000));
  ASSERT_FALSE(types);
  EXPECT_THAT(types.error().message, testing::StartsWith("offset "));
  EXPECT_THAT(types.error().message, HasSubstr("names up to here have more than"));
}

}  // namespace
}  // namespace sluice::vm
