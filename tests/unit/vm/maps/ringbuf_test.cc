// RINGBUF: reservations against a second account of the ring's room, many writers beside one reader.
#include <cerrno>
#include <deque>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/vm/maps/cases.h"
#include "vm/maps/ringbuf.h"

namespace sluice::vm::testing {
namespace {

constexpr std::uint32_t kSize = 4096;
constexpr std::uint32_t kWriters = 3;
constexpr std::uint32_t kEach = 20'000;  // records a writer

std::unique_ptr<Map> ring(std::uint32_t bytes = kSize) {
  auto map = make_map({.name = "ring", .type = MapType::kRingbuf, .key_size = 0, .value_size = 0, .max_entries = bytes},
                      kCpus);
  return map ? std::move(*map) : nullptr;
}

// Takes all that is there, as strings of bytes.
std::vector<Bytes> drain(Ringbuf& ring) {
  std::vector<Bytes> records;
  const auto see = [](void* to, std::span<const std::byte> record) {
    static_cast<std::vector<Bytes>*>(to)->emplace_back(record.begin(), record.end());
  };
  while (ring.consume(see, &records)) continue;
  return records;
}

TEST(Ringbuf, GivesRoomAsLongAsAnythingBetweenReaderAndWritersIsLeft) {
  const auto map = ring();
  auto& buffer = dynamic_cast<Ringbuf&>(*map);
  struct Open {
    std::byte* record;
    std::uint64_t bytes;
  };
  std::deque<Open> open;
  std::deque<Bytes> expected;
  Random random(7);
  std::uint64_t used = 0;  // by open records and those not read yet: no hole can be given again
  for (int turn = 0; turn < 50'000; ++turn) {
    const std::uint64_t choice = random() % 8;
    if (choice < 4) {
      const std::uint64_t bytes = random() % 300;
      const std::uint64_t room = (bytes + 8 + 7) / 8 * 8;
      std::byte* const record = buffer.reserve(bytes);
      ASSERT_EQ(record != nullptr, used + room < kSize) << "turn " << turn;
      if (record == nullptr) continue;
      std::memset(record, static_cast<int>(turn & 255), bytes);
      open.push_back({record, bytes});
      used += room;
    } else if (choice < 7 && !open.empty()) {
      const Open oldest = open.front();
      open.pop_front();
      if (choice == 6) {
        Ringbuf::discard(oldest.record);
      } else {
        expected.emplace_back(oldest.record, oldest.record + oldest.bytes);
        Ringbuf::submit(oldest.record);
      }
    } else if (open.empty()) {
      ASSERT_EQ(buffer.query(0), used);
      for (const Bytes& record : drain(buffer)) {
        ASSERT_FALSE(expected.empty());
        EXPECT_EQ(record, expected.front());
        expected.pop_front();
      }
      EXPECT_TRUE(expected.empty());
      used = 0;
    }
  }
}

TEST(Ringbuf, ShowsNothingBehindARecordThatIsStillOpen) {
  const auto map = ring();
  auto& buffer = dynamic_cast<Ringbuf&>(*map);
  std::byte* const first = buffer.reserve(8);
  const Bytes second(16, std::byte{2});
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(buffer.output(second), 0);
  EXPECT_TRUE(drain(buffer).empty());
  Ringbuf::discard(first);
  EXPECT_EQ(drain(buffer), std::vector<Bytes>{second});
}

TEST(Ringbuf, TakesARecordThatFillsItAndNoneThatIsLarger) {
  const auto map = ring();
  auto& buffer = dynamic_cast<Ringbuf&>(*map);
  EXPECT_EQ(buffer.reserve(kSize - 8), nullptr);  // to the last byte: no ring is ever full
  EXPECT_EQ(buffer.reserve(UINT64_MAX), nullptr);
  EXPECT_EQ(buffer.reserve(UINT32_MAX), nullptr);
  std::byte* const most = buffer.reserve(kSize - 16);
  ASSERT_NE(most, nullptr);
  std::memset(most, 1, kSize - 16);
  Ringbuf::submit(most);
  EXPECT_EQ(buffer.output(Bytes(1)), -EAGAIN);
  EXPECT_EQ(drain(buffer).size(), 1U);
  EXPECT_EQ(buffer.output(Bytes(kSize - 16, std::byte{3})), 0);  // wraps around, in one piece
  EXPECT_EQ(drain(buffer), std::vector<Bytes>{Bytes(kSize - 16, std::byte{3})});
}

TEST(Ringbuf, AnswersQueriesAsBytesAndPositions) {
  const auto map = ring(2 * kSize);
  auto& buffer = dynamic_cast<Ringbuf&>(*map);
  EXPECT_EQ(buffer.output(Bytes(5)), 0);
  EXPECT_EQ(buffer.output(Bytes(8)), 0);
  EXPECT_EQ(buffer.query(0), 32U);
  EXPECT_EQ(buffer.query(1), 2 * kSize);
  EXPECT_EQ(buffer.query(2), 0U);
  EXPECT_EQ(buffer.query(3), 32U);
  EXPECT_EQ(buffer.query(4), 0U);
  EXPECT_EQ(drain(buffer).size(), 2U);
  EXPECT_EQ(buffer.query(2), 32U);
}

TEST(Ringbuf, LosesNothingOfManyWritersBesideOneReader) {
  const auto map = ring();
  auto& buffer = dynamic_cast<Ringbuf&>(*map);
  struct Entry {
    std::uint32_t writer, number;
  };
  std::vector<std::thread> writers;
  for (std::uint32_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&buffer, writer] {
      for (std::uint32_t number = 0; number < kEach;) {
        std::byte* const record = buffer.reserve(sizeof(Entry));
        if (record == nullptr) {
          std::this_thread::yield();
          continue;
        }
        const Entry entry{writer, number};
        std::memcpy(record, &entry, sizeof entry);
        if (number % 7 == 3) std::this_thread::yield();  // others write behind it
        Ringbuf::submit(record);
        ++number;
      }
    });
  }
  std::array<std::uint32_t, kWriters> next{};
  std::uint32_t wrong = 0;
  std::uint32_t seen = 0;
  struct Account {
    std::array<std::uint32_t, kWriters>& next;
    std::uint32_t& wrong;
  } account{next, wrong};
  const auto see = [](void* to, std::span<const std::byte> record) {
    auto& all = *static_cast<Account*>(to);
    Entry entry{};
    std::memcpy(&entry, record.data(), sizeof entry);
    if (record.size() != sizeof entry || entry.writer >= kWriters || all.next[entry.writer]++ != entry.number) {
      ++all.wrong;
    }
  };
  while (seen < kWriters * kEach) {
    if (buffer.consume(see, &account)) {
      ++seen;
    } else {
      std::this_thread::yield();
    }
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_FALSE(buffer.consume(see, &account));
}

}  // namespace
}  // namespace sluice::vm::testing
