// Locks and timers in the values of an object's maps.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/vm/objects.h"
#include "vm/elf.h"

namespace sluice::vm {
namespace {

SpecialFields of_map(std::string_view name) {
  static const auto kObject = load_elf(object_path("special_fields.o"));
  if (!kObject) {
    ADD_FAILURE() << kObject.error().message;
    return {};
  }
  const auto map = std::ranges::find(kObject->maps, name, [](const MapDecl& one) { return one.spec.name; });
  if (map != kObject->maps.end()) return map->spec.special;
  ADD_FAILURE() << "there is no map " << name;
  return {};
}

TEST(SpecialFieldsOfObjects, AreFoundInStructsOfStructs) {
  EXPECT_EQ(of_map("in_hash"), (SpecialFields{.lock = 12, .timer = 16}));
  EXPECT_EQ(of_map("in_array"), (SpecialFields{.lock = 4}));
}

TEST(SpecialFieldsOfObjects, AreFoundAmongGlobals) {
  const SpecialFields fields = of_map(".data.locked");
  EXPECT_TRUE(fields.lock == 0 || fields.lock == 8) << fields.lock;
  EXPECT_EQ(fields.timer, -1);
}

TEST(SpecialFieldsOfObjects, CountOnlyWhereTheKernelAllowsThem) {
  EXPECT_EQ(of_map("in_lru"), SpecialFields{}) << "the lock is not allowed there, and takes the timer with it";
  EXPECT_EQ(of_map("in_percpu"), SpecialFields{});
  EXPECT_EQ(of_map("read_only"), SpecialFields{});
  EXPECT_EQ(of_map("two_locks"), SpecialFields{});
}

}  // namespace
}  // namespace sluice::vm
