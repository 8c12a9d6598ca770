// Externs of `.kconfig`: values by every form of variable, and what is said where there is none.
#include <algorithm>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"
#include "vm/elf.h"

namespace sluice::vm {
namespace {

using testing::HasSubstr;

KconfigValues good() {
  return {{"CONFIG_SWITCHED", "y"},  {"CONFIG_MODULE", "m"},  {"CONFIG_LETTER", "y"},
          {"CONFIG_NUMBER", "0x10"}, {"CONFIG_SIGNED", "-7"}, {"CONFIG_TEXT", "abcdefghij"}};
}

// The bytes of variable `name`, or of none.
std::vector<std::byte> bytes_of(const ElfObject& object, std::string_view name) {
  for (const MapDecl& map : object.maps) {
    if (map.spec.name != ".kconfig") continue;
    for (const Btf::Variable& variable : object.btf->variables(".kconfig")) {
      if (variable.name != name) continue;
      const auto from = map.initial.begin() + variable.offset;
      return {from, from + object.btf->size(variable.type)};
    }
  }
  return {};
}

template <typename T>
T value_of(const ElfObject& object, std::string_view name) {
  const auto bytes = bytes_of(object, name);
  T value{};
  EXPECT_EQ(bytes.size(), sizeof value) << name;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

std::string refusal(std::string_view name, const std::string& value) {
  KconfigValues values = good();
  values[std::string(name)] = value;
  const auto object = load_elf(object_path("kconfig.o"), {.kconfig = values});
  return object ? "accepted" : object.error().message;
}

TEST(ElfKconfig, EveryFormGetsItsValue) {
  const auto object = load_elf(object_path("kconfig.o"), {.kconfig = good()});
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(value_of<std::int32_t>(*object, "LINUX_KERNEL_VERSION"), 0x061200);
  EXPECT_EQ(value_of<std::uint8_t>(*object, "CONFIG_SWITCHED"), 1);
  EXPECT_EQ(value_of<std::uint32_t>(*object, "CONFIG_MODULE"), 2U);
  EXPECT_EQ(value_of<char>(*object, "CONFIG_LETTER"), 'y');
  EXPECT_EQ(value_of<std::uint32_t>(*object, "CONFIG_NUMBER"), 16U);
  EXPECT_EQ(value_of<std::int64_t>(*object, "CONFIG_SIGNED"), -7);
  EXPECT_EQ(value_of<std::uint16_t>(*object, "CONFIG_WEAK"), 0U);
  const auto text = bytes_of(*object, "CONFIG_TEXT");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(text.data()), text.size()), std::string("abcdefg\0", 8));
}

TEST(ElfKconfig, TheMapIsOnlyRead) {
  const auto object = load_elf(object_path("kconfig.o"), {.kconfig = good()});
  ASSERT_TRUE(object) << object.error().message;
  const auto map = std::ranges::find(object->maps, ".kconfig", [](const MapDecl& one) { return one.spec.name; });
  ASSERT_NE(map, object->maps.end());
  EXPECT_EQ(map->origin, MapDecl::Origin::kRodata);
  EXPECT_NE(map->spec.flags & kMapReadOnlyProg, 0U);
}

TEST(ElfKconfig, AStrongVariableWithoutAValueIsNamedWithTheLineToAdd) {
  KconfigValues values = good();
  values.erase("CONFIG_NUMBER");
  const auto object = load_elf(object_path("kconfig.o"), {.kconfig = values});
  ASSERT_FALSE(object);
  EXPECT_THAT(object.error().message, HasSubstr("\"CONFIG_NUMBER\" is not defined in this object"));
  EXPECT_THAT(object.error().message, HasSubstr("kconfig: {CONFIG_NUMBER: VALUE}"));
}

TEST(ElfKconfig, AValueThatDoesNotFitIsRefusedWithWhatIsExpected) {
  EXPECT_THAT(refusal("CONFIG_SWITCHED", "m"), HasSubstr("has the value \"m\", expected y or n"));
  EXPECT_THAT(refusal("CONFIG_MODULE", "2"), HasSubstr("expected y, n or m"));
  EXPECT_THAT(refusal("CONFIG_LETTER", "300"), HasSubstr("a number of one byte"));
  EXPECT_THAT(refusal("CONFIG_NUMBER", "-1"), HasSubstr("a number that fits"));
  EXPECT_THAT(refusal("CONFIG_NUMBER", "4294967296"), HasSubstr("a number that fits"));
  EXPECT_THAT(refusal("CONFIG_NUMBER", "12 "), HasSubstr("a number that fits"));
  EXPECT_THAT(refusal("CONFIG_SIGNED", "9223372036854775808"), HasSubstr("a number that fits"));
  EXPECT_EQ(refusal("CONFIG_SIGNED", "-9223372036854775808"), "accepted");
  EXPECT_EQ(refusal("CONFIG_NUMBER", "4294967295"), "accepted");
}

}  // namespace
}  // namespace sluice::vm
