// Locks and timers in values: no copy touches them, BPF_F_LOCK copies under the lock, as the kernel does.
#include <cerrno>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/vm/maps/cases.h"
#include "vm/maps/spin_lock.h"
#include "vm/maps/value_copy.h"

namespace sluice::vm::testing {
namespace {

MapSpec spec_with(MapType type, std::uint32_t value_size, SpecialFields special) {
  return {
      .name = "special", .type = type, .key_size = 4, .value_size = value_size, .max_entries = 4, .special = special};
}

constexpr UpdateMode locked(UpdateMode mode) {
  return static_cast<UpdateMode>(static_cast<std::uint64_t>(mode) | kLockFlag);
}

TEST(SpecialFields, AreLeftAloneByCopiesAtEveryPlaceAndSize) {
  for (std::uint32_t size = 4; size <= 48; ++size) {
    for (std::int32_t lock = -4; lock + 4 <= static_cast<std::int32_t>(size); lock += 4) {
      for (std::int32_t timer = -8; timer + 16 <= static_cast<std::int32_t>(size); timer += 8) {
        const SpecialFields special{.lock = lock < 0 ? -1 : lock, .timer = timer < 0 ? -1 : timer};
        if (special.lock >= 0 && special.timer >= 0 && lock < timer + 16 && lock + 4 > timer) continue;
        const MapSpec spec = spec_with(MapType::kArray, size, special);
        alignas(8) std::array<std::uint8_t, 56> shared{};
        std::array<std::uint8_t, 56> from{};
        std::array<std::uint8_t, 56> back{};
        shared.fill(0xaa);
        from.fill(0x55);
        back.fill(0xee);
        store_value(spec, shared.data(), from.data());
        load_value(spec, back.data(), shared.data());
        for (std::uint32_t i = 0; i < (size + 7) / 8 * 8; ++i) {
          const bool hole = special.lock_meets(i, std::int64_t{i} + 1) || special.timer_meets(i, std::int64_t{i} + 1);
          const bool padding = i >= size;
          EXPECT_EQ(shared[i], hole ? 0xaa : padding ? shared[i] : 0x55) << size << " " << lock << " " << timer;
          EXPECT_EQ(back[i], padding ? 0xee : hole ? 0 : 0x55) << size << " " << lock << " " << timer << " " << i;
        }
        EXPECT_EQ(shared[(size + 7) / 8 * 8], 0xaa);
      }
    }
  }
}

// Types are hostile: what they say of a lock's place is believed only inside the value.
TEST(SpecialFields, OutsideTheValueOrAcrossEachOtherMakeNoMap) {
  const auto made = [](SpecialFields special) {
    return make_map(spec_with(MapType::kArray, 24, special), kCpus).has_value();
  };
  EXPECT_TRUE(made({.lock = 20}));
  EXPECT_TRUE(made({.lock = 4, .timer = 8}));
  EXPECT_FALSE(made({.lock = 24}));
  EXPECT_FALSE(made({.lock = 4096}));
  EXPECT_FALSE(made({.lock = INT32_MAX - 3}));
  EXPECT_FALSE(made({.lock = 2}));
  EXPECT_FALSE(made({.timer = 16}));
  EXPECT_FALSE(made({.timer = 4}));
  EXPECT_FALSE(made({.lock = 12, .timer = 8}));
}

TEST(SpecialFields, StayAsTheyAreWhenAnElementIsUpdatedAndReadAsZero) {
  for (const MapType type : {MapType::kArray, MapType::kHash}) {
    auto map = make_map(spec_with(type, 16, {.lock = 4}), kCpus);
    ASSERT_TRUE(map.has_value());
    const Bytes key = index_key(1);
    ASSERT_EQ((*map)->update(key.data(), Bytes(16, std::byte{0x11}).data(), UpdateMode::kAny, 0), 0);
    std::byte* const value = (*map)->lookup(key.data(), 0);
    std::uint32_t& word = value_lock((*map)->spec(), reinterpret_cast<std::uint8_t*>(value));
    EXPECT_EQ(word, 0U);
    word = 1;
    Bytes out(16);
    EXPECT_EQ((*map)->read(key.data(), out.data()), 0);
    EXPECT_EQ(out[4], std::byte{0});
    EXPECT_EQ(out[3], std::byte{0x11});
    word = 0;
    ASSERT_EQ((*map)->write(key.data(), Bytes(16, std::byte{0x22}).data(), locked(UpdateMode::kExist)), 0);
    EXPECT_EQ((*map)->lookup(key.data(), 0), value) << "in place";
    EXPECT_EQ(value[8], std::byte{0x22});
    EXPECT_EQ(word, 0U);
  }
}

TEST(SpecialFields, BpfFLockIsRefusedWithoutALock) {
  for (const MapType type : {MapType::kArray, MapType::kHash}) {
    auto map = make_map(spec_with(type, 16, {}), kCpus);
    ASSERT_TRUE(map.has_value());
    const Bytes key = index_key(1);
    EXPECT_EQ((*map)->write(key.data(), Bytes(16).data(), locked(UpdateMode::kAny)), -EINVAL);
    EXPECT_EQ((*map)->update(key.data(), Bytes(16).data(), locked(UpdateMode::kAny), 0), -EINVAL);
  }
}

TEST(SpecialFields, ValuesWrittenUnderTheLockAreWhole) {
  auto map = make_map(spec_with(MapType::kHash, 40, {.lock = 0}), kCpus);
  ASSERT_TRUE(map.has_value());
  const Bytes key = index_key(9);
  ASSERT_EQ((*map)->write(key.data(), Bytes(40).data(), UpdateMode::kAny), 0);
  std::thread writer([&] {
    for (int i = 0; i < 20'000; ++i) {
      const Bytes value(40, static_cast<std::byte>(i));
      (*map)->write(key.data(), value.data(), locked(UpdateMode::kExist));
    }
  });
  auto* const value = reinterpret_cast<std::uint8_t*>((*map)->lookup(key.data(), 0));
  std::uint32_t torn = 0;
  for (int i = 0; i < 20'000; ++i) {
    const SpinGuard guard(value_lock((*map)->spec(), value));
    const std::uint8_t first = __atomic_load_n(value + 8, __ATOMIC_RELAXED);
    for (unsigned at = 9; at < 40; ++at) torn += __atomic_load_n(value + at, __ATOMIC_RELAXED) != first ? 1 : 0;
  }
  writer.join();
  EXPECT_EQ(torn, 0U);
}

}  // namespace
}  // namespace sluice::vm::testing
