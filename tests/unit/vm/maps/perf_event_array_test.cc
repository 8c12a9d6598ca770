// PERF_EVENT_ARRAY and its rings: room, order, what is lost, and a reader beside the writer.
#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "vm/maps/perf_event_array.h"

namespace sluice::vm::testing {
namespace {

constexpr std::uint32_t kRingBytes = 4096;

std::unique_ptr<Map> make(std::uint32_t slots) {
  return std::move(*make_map({.name = "events", .type = MapType::kPerfEventArray, .max_entries = slots}, 2));
}
const std::byte* key_of(const std::uint32_t& index) { return reinterpret_cast<const std::byte*>(&index); }

TEST(PerfEventArray, SlotsTakeRingsAndNothingElse) {
  const auto map = make(3);
  auto& events = dynamic_cast<PerfEventArray&>(*map);
  const std::uint32_t first = 0;
  const std::uint32_t beyond = 3;
  std::uint32_t value = 0;
  auto* const out = reinterpret_cast<std::byte*>(&value);
  EXPECT_EQ(map->read(key_of(first), out), -524);
  EXPECT_EQ(map->lookup(key_of(first), 0), nullptr);
  EXPECT_EQ(map->update(key_of(first), out, UpdateMode::kAny, 0), -EBADF);
  EXPECT_EQ(map->update(key_of(first), out, UpdateMode::kNoExist, 0), -EINVAL);
  EXPECT_EQ(map->update(key_of(beyond), out, UpdateMode::kAny, 0), -E2BIG);
  EXPECT_EQ(map->erase(key_of(first)), -ENOENT);
  EXPECT_EQ(map->erase(key_of(beyond)), -E2BIG);
  EXPECT_EQ(events.open(3, kRingBytes), -E2BIG);
  EXPECT_EQ(events.open(0, kRingBytes + 1), -EINVAL);
  EXPECT_EQ(events.open(0, 2048), -EINVAL);
  EXPECT_EQ(events.open(0, kRingBytes), 0);
  EXPECT_EQ(map->erase(key_of(first)), 0);
  EXPECT_EQ(events.ring(0), nullptr);
  EXPECT_EQ(events.reserve(0, 0, 1).error, -ENOENT);
}

TEST(PerfEventArray, OpensOneRingForEachCpuThatHasASlot) {
  for (const std::uint32_t slots : {1U, 2U, 5U}) {
    const auto map = make(slots);
    auto& events = dynamic_cast<PerfEventArray&>(*map);
    ASSERT_EQ(events.open_all(kRingBytes), 0);
    EXPECT_NE(events.ring(0), nullptr);
    EXPECT_EQ(events.ring(1) != nullptr, slots > 1);
    EXPECT_EQ(events.ring(2), nullptr);
  }
}

TEST(PerfEventArray, AnOldRingStaysReadableWhenTheSlotGetsAnother) {
  const auto map = make(1);
  auto& events = dynamic_cast<PerfEventArray&>(*map);
  ASSERT_EQ(events.open(0, kRingBytes), 0);
  PerfRing* const old = events.ring(0);
  const auto room = events.reserve(0, 0, 8);
  ASSERT_NE(room.to, nullptr);
  ASSERT_EQ(events.open(0, 2 * kRingBytes), 0);
  std::memset(room.to, 7, 8);
  room.ring->commit();
  EXPECT_NE(events.ring(0), old);
  EXPECT_TRUE(old->consume([](void*, const PerfRing::Record& record) { EXPECT_EQ(record.bytes.size(), 8U); }, nullptr));
  EXPECT_FALSE(events.ring(0)->consume([](void*, const PerfRing::Record&) {}, nullptr));
}

TEST(PerfEventArray, AFrozenOneRefusesChanges) {
  const auto map = make(1);
  map->freeze();
  const std::uint32_t first = 0;
  EXPECT_EQ(map->update(key_of(first), key_of(first), UpdateMode::kAny, 0), -EPERM);
  EXPECT_EQ(map->erase(key_of(first)), -EPERM);
}

TEST(PerfRing, NeverFillsToTheLastByteAndCountsWhatIsLost) {
  auto ring = std::move(*PerfRing::make(kRingBytes));
  // 8 for the header, 4 for the length the kernel writes: 16 bytes a record of up to 4.
  std::uint32_t taken = 0;
  while (ring.reserve(4) != nullptr) {
    ring.commit();
    ++taken;
  }
  EXPECT_EQ(taken, kRingBytes / 16 - 1);
  EXPECT_EQ(ring.reserve(0), nullptr);
  EXPECT_EQ(ring.lost_since(), 2U);
  EXPECT_EQ(ring.reserve(std::uint64_t{1} << 40), nullptr);
  EXPECT_EQ(ring.lost_since(), 3U);
}

// Records of many sizes go round the ring many times, with a reader beside the writer: what it sees is in order, whole,
// and with what was lost makes up all.
TEST(PerfRing, AReaderBesideTheWriterMissesNothingUntold) {
  auto ring = std::move(*PerfRing::make(kRingBytes));
  constexpr std::uint64_t kRecords = 50'000;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    std::mt19937 random(3);
    for (std::uint64_t number = 0; number < kRecords; ++number) {
      const std::size_t bytes = 8 + random() % 300;
      std::byte* const to = ring.reserve(bytes);
      if (to == nullptr) continue;
      std::memset(to, static_cast<int>(number), bytes);
      std::memcpy(to, &number, sizeof number);
      ring.commit();
    }
    done.store(true, std::memory_order_release);
  });
  struct Seen {
    std::uint64_t next = 0, bad = 0;
  } seen;
  const auto see = [](void* state, const PerfRing::Record& record) {
    auto& so_far = *static_cast<Seen*>(state);
    if (record.lost != 0) {
      so_far.next += record.lost;
      return;
    }
    std::uint64_t number = 0;
    std::memcpy(&number, record.bytes.data(), sizeof number);
    so_far.bad += number != so_far.next ? 1 : 0;
    for (std::size_t i = sizeof number; i < record.bytes.size(); ++i) {
      so_far.bad += record.bytes[i] != static_cast<std::byte>(number) ? 1 : 0;
    }
    so_far.next = number + 1;
  };
  for (bool last = false;;) {
    if (ring.consume(see, &seen)) continue;
    if (last) break;
    last = done.load(std::memory_order_acquire);
    std::this_thread::yield();
  }
  writer.join();
  EXPECT_EQ(seen.bad, 0U);
  EXPECT_EQ(seen.next + ring.lost_since(), kRecords);
}

}  // namespace
}  // namespace sluice::vm::testing
