// Ring buffers and locks as programs use them. What a ring does with its room is tests/unit/vm/maps' subject.
#include <cerrno>
#include <memory>

#include "tests/unit/helpers/support.h"
#include "vm/maps/ringbuf.h"

namespace sluice::helpers::testing {
namespace {

class RingTest : public HelperTest {
 protected:
  std::string drained() {
    std::string all;
    const auto see = [](void* to, std::span<const std::byte> record) {
      *static_cast<std::string*>(to) +=
          "<" + std::string(reinterpret_cast<const char*>(record.data()), record.size()) + ">";
    };
    while (ring_.consume(see, &all)) continue;
    return all;
  }

  std::unique_ptr<vm::Map> map_ = std::move(*vm::make_map(
      {.name = "ring", .type = vm::MapType::kRingbuf, .key_size = 0, .value_size = 0, .max_entries = 4096}, 2));
  vm::Ringbuf& ring_ = dynamic_cast<vm::Ringbuf&>(*map_);
};
using RingbufOutput = RingTest;
using RingbufReserve = RingTest;
using RingbufSubmit = RingTest;
using RingbufDiscard = RingTest;
using RingbufQuery = RingTest;

TEST_F(RingbufOutput, CopiesARecordWhateverTheReaderIsToBeTold) {
  EXPECT_EQ(call(map_.get(), "one", 3, 0), 0);
  EXPECT_EQ(call(map_.get(), "two", 3, 1), 0);  // BPF_RB_NO_WAKEUP
  EXPECT_EQ(call(map_.get(), "six", 3, 2), 0);  // BPF_RB_FORCE_WAKEUP
  EXPECT_EQ(call(map_.get(), "", 0, 0), 0);
  EXPECT_EQ(drained(), "<one><two><six><>");
}

TEST_F(RingbufOutput, RefusesUnknownFlagsAndWhatFindsNoRoom) {
  const std::string large(4096, 'x');
  EXPECT_EQ(call(map_.get(), "one", 3, 4), -EINVAL);
  EXPECT_EQ(call(map_.get(), large.data(), large.size(), 0), -EAGAIN);
  EXPECT_EQ(drained(), "");
}

TEST_F(RingbufReserve, GivesRoomOrNull) {
  const std::int64_t record = call(map_.get(), 8, 0);
  ASSERT_NE(record, 0);
  EXPECT_EQ(call(map_.get(), 8, 1), 0) << "flags";
  EXPECT_EQ(call(map_.get(), 4090, 0), 0) << "too large";
  EXPECT_EQ(call(map_.get(), std::uint64_t{1} << 40, 0), 0);
  vm::Ringbuf::discard(reinterpret_cast<std::byte*>(record));
  EXPECT_EQ(drained(), "");
}

TEST_F(RingbufSubmit, ShowsTheRecord) {
  std::byte* const record = ring_.reserve(2);
  std::memcpy(record, "ab", 2);
  EXPECT_EQ(drained(), "");
  call(record, 0);
  EXPECT_EQ(drained(), "<ab>");
}

TEST_F(RingbufDiscard, GivesTheRoomBackUnseen) {
  std::byte* const record = ring_.reserve(2);
  std::memcpy(record, "ab", 2);
  call(record, 0);
  EXPECT_EQ(ring_.output({}), 0);
  EXPECT_EQ(drained(), "<>");
}

TEST_F(RingbufQuery, TellsBytesAndPositions) {
  EXPECT_EQ(ring_.output({}), 0);
  EXPECT_EQ(call(map_.get(), 0), 8);
  EXPECT_EQ(call(map_.get(), 1), 4096);
  EXPECT_EQ(call(map_.get(), 2), 0);
  EXPECT_EQ(call(map_.get(), 3), 8);
  EXPECT_EQ(call(map_.get(), 4), 0);
}

using SpinLock = HelperTest;
using SpinUnlock = HelperTest;

TEST_F(SpinLock, TakesTheWord) {
  std::uint32_t word = 0;
  call(&word);
  EXPECT_NE(word, 0U);
}

TEST_F(SpinUnlock, FreesTheWord) {
  std::uint32_t word = 1;
  call(&word);
  EXPECT_EQ(word, 0U);
}

}  // namespace
}  // namespace sluice::helpers::testing
