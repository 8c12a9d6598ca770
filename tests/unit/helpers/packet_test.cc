// Helpers that move the ends of a frame, in both frame models. The limits of the linux model are compared with the
// kernel's in kernel_test.cc.
#include <cerrno>
#include <climits>
#include <numeric>

#include "tests/unit/helpers/support.h"

namespace sluice::helpers::testing {
namespace {

const std::vector<std::byte> kZeroes(9216);

// A suite that runs in both frame models.
class InBothModels : public HelperTest, public ::testing::WithParamInterface<Model> {
 protected:
  [[nodiscard]] static std::int64_t headroom() { return static_cast<std::int64_t>(Frame::headroom(GetParam())); }
  [[nodiscard]] static std::int64_t room() { return static_cast<std::int64_t>(Frame::room(GetParam())); }
  // The helper fails with `error` and changes nothing.
  void expect_refused(Frame& frame, std::int64_t delta, int error) {
    const auto before = frame.everything();
    EXPECT_EQ(call(&frame.context, delta), error) << "delta " << delta;
    EXPECT_EQ(frame.everything(), before) << "delta " << delta;
  }
};
constexpr auto kBothModels = [](const auto& test) {
  return std::string(test.param == Model::kLinux ? "linux" : "native");
};
// NOLINTBEGIN(cppcoreguidelines-macro-usage)
#define SLUICE_IN_BOTH_MODELS(suite) \
  INSTANTIATE_TEST_SUITE_P(Model, suite, ::testing::Values(Model::kLinux, Model::kNative), kBothModels)
// NOLINTEND(cppcoreguidelines-macro-usage)

class XdpAdjustHead : public InBothModels {};
SLUICE_IN_BOTH_MODELS(XdpAdjustHead);

TEST_P(XdpAdjustHead, GrowsByTheHeadroomAndNotByOneMore) {
  Frame frame(GetParam(), 60);
  expect_refused(frame, -headroom() - 1, -EINVAL);
  std::byte* const data = frame.context.data;
  EXPECT_EQ(call(&frame.context, -headroom()), 0);
  EXPECT_EQ(frame.context.data, data - headroom());
  EXPECT_EQ(frame.context.data, frame.context.hard_start);
  EXPECT_EQ(frame.context.data_meta, frame.context.data);
  EXPECT_EQ(frame.size(), 60 + headroom());
  expect_refused(frame, -1, -EINVAL);
}

TEST_P(XdpAdjustHead, ShrinksToAnEthernetHeaderAndNotFurther) {
  Frame frame(GetParam(), 60);
  const auto before = frame.bytes();
  expect_refused(frame, 47, -EINVAL);
  EXPECT_EQ(call(&frame.context, 46), 0);
  EXPECT_EQ(frame.bytes(), std::vector<std::byte>(before.begin() + 46, before.end()));
  expect_refused(frame, 1, -EINVAL);
  EXPECT_EQ(call(&frame.context, 0), 0);
  EXPECT_EQ(frame.size(), 14);
}

TEST_P(XdpAdjustHead, TakesTheMetadataAlong) {
  for (const int delta : {-100, -4, 0, 4, 20}) {
    Frame frame(GetParam(), 60);
    frame.context.data_meta -= 8;
    const std::vector<std::byte> meta(frame.context.data_meta, frame.context.data);
    std::byte* const data = frame.context.data;
    EXPECT_EQ(call(&frame.context, delta), 0);
    EXPECT_EQ(frame.context.data, data + delta);
    ASSERT_EQ(frame.meta(), 8);
    EXPECT_EQ(std::vector<std::byte>(frame.context.data_meta, frame.context.data), meta) << delta;
  }
}

TEST_P(XdpAdjustHead, LeavesRoomForTheMetadata) {
  Frame frame(GetParam(), 60);
  frame.context.data_meta -= 8;
  expect_refused(frame, -headroom() + 7, -EINVAL);
  EXPECT_EQ(call(&frame.context, -headroom() + 8), 0);
  EXPECT_EQ(frame.context.data_meta, frame.context.hard_start);
}

TEST_P(XdpAdjustHead, TheDeltaIsAnInt) {
  Frame frame(GetParam(), 60);
  expect_refused(frame, INT_MIN, -EINVAL);
  expect_refused(frame, INT_MAX, -EINVAL);
  EXPECT_EQ(call(&frame.context, std::int64_t{0x5'0000'0004}), 0);
  EXPECT_EQ(frame.size(), 56);
  EXPECT_EQ(call(&frame.context, std::int64_t{0x0'ffff'fffc}), 0);
  EXPECT_EQ(frame.size(), 60);
}

// What is in the frag does not count: the header must stay in the linear part.
TEST_P(XdpAdjustHead, OnlyTheLinearPartGivesWay) {
  Frame frame(GetParam(), 60, 100);
  expect_refused(frame, 47, -EINVAL);
  EXPECT_EQ(call(&frame.context, 46), 0);
  EXPECT_EQ(frame.context.frag_len, 100U);
}

class XdpAdjustMeta : public InBothModels {};
SLUICE_IN_BOTH_MODELS(XdpAdjustMeta);

TEST_P(XdpAdjustMeta, TakesMultiplesOfFourUpTo252Bytes) {
  for (int size = 0; size <= 260; ++size) {
    Frame frame(GetParam(), 60);
    const bool fits = size <= headroom();
    const auto bytes = frame.everything();
    const std::int64_t result = call(&frame.context, -size);
    const bool allowed = size % 4 == 0 && size <= 252;
    EXPECT_EQ(result, !fits ? -EINVAL : allowed ? 0 : -EACCES) << size;
    EXPECT_EQ(frame.meta(), result == 0 ? size : 0) << size;
    EXPECT_TRUE(result == 0 || frame.everything() == bytes) << size;
  }
}

TEST_P(XdpAdjustMeta, NeitherReachesIntoTheReservedHeadroomNorIntoTheFrame) {
  Frame frame(GetParam(), 60);
  EXPECT_EQ(call(&frame.context, -16), 0);
  expect_refused(frame, 17, -EINVAL);
  expect_refused(frame, 20, -EINVAL);
  expect_refused(frame, -headroom() + 15, -EINVAL);
  expect_refused(frame, 2, -EACCES);
  EXPECT_EQ(call(&frame.context, 12), 0);
  EXPECT_EQ(frame.meta(), 4);
  EXPECT_EQ(call(&frame.context, 4), 0);
  EXPECT_EQ(frame.meta(), 0);
}

TEST_P(XdpAdjustMeta, TheDeltaIsAnInt) {
  Frame frame(GetParam(), 60);
  expect_refused(frame, INT_MIN, -EINVAL);
  expect_refused(frame, INT_MAX, -EINVAL);
  EXPECT_EQ(call(&frame.context, std::int64_t{0x7'ffff'fff8}), 0);
  EXPECT_EQ(frame.meta(), 8);
}

class XdpAdjustTail : public InBothModels {};
SLUICE_IN_BOTH_MODELS(XdpAdjustTail);

TEST_P(XdpAdjustTail, GrowsToTheEndOfTheFrameMemoryWithZeroes) {
  Frame frame(GetParam(), 60);
  auto expected = frame.bytes();
  expect_refused(frame, room() - 60 + 1, -EINVAL);
  EXPECT_EQ(call(&frame.context, 10), 0);
  expected.insert(expected.end(), 10, std::byte{0});
  EXPECT_EQ(frame.bytes(), expected);
  EXPECT_EQ(call(&frame.context, room() - 70), 0);
  EXPECT_EQ(frame.context.data_end, frame.context.frame_end);
  EXPECT_TRUE(std::equal(kZeroes.begin(), kZeroes.begin() + room() - 60, frame.context.data + 60));
  expect_refused(frame, 1, -EINVAL);
}

TEST_P(XdpAdjustTail, ShrinksToAnEthernetHeaderAndNotFurther) {
  Frame frame(GetParam(), 60);
  const auto before = frame.bytes();
  expect_refused(frame, -47, -EINVAL);
  EXPECT_EQ(call(&frame.context, -46), 0);
  EXPECT_EQ(frame.bytes(), std::vector<std::byte>(before.begin(), before.begin() + 14));
  expect_refused(frame, -1, -EINVAL);
  EXPECT_EQ(call(&frame.context, 0), 0);
  EXPECT_EQ(frame.size(), 14);
}

TEST_P(XdpAdjustTail, BytesGivenAwayComeBackAsZeroes) {
  Frame frame(GetParam(), 60);
  auto expected = frame.bytes();
  EXPECT_EQ(call(&frame.context, -20), 0);
  EXPECT_EQ(call(&frame.context, 20), 0);
  std::fill(expected.end() - 20, expected.end(), std::byte{0});
  EXPECT_EQ(frame.bytes(), expected);
}

TEST_P(XdpAdjustTail, TheDeltaIsAnInt) {
  Frame frame(GetParam(), 60);
  expect_refused(frame, INT_MIN, -EINVAL);
  expect_refused(frame, INT_MAX, -EINVAL);
  EXPECT_EQ(call(&frame.context, std::int64_t{0x3'0000'0001}), 0);
  EXPECT_EQ(frame.size(), 61);
  Frame fragmented(GetParam(), 60, 100);
  expect_refused(fragmented, INT_MIN, -EINVAL);
  expect_refused(fragmented, INT_MAX, -EINVAL);
}

TEST_P(XdpAdjustTail, GrowsAFragWithinItsLastPageWithZeroes) {
  Frame frame(GetParam(), 3520, 4100);
  auto expected = frame.bytes();
  expect_refused(frame, 8192 - 4100 + 1, -EINVAL);
  EXPECT_EQ(call(&frame.context, 8192 - 4100), 0);
  expected.insert(expected.end(), 8192 - 4100, std::byte{0});
  EXPECT_EQ(frame.bytes(), expected);
  expect_refused(frame, 1, -EINVAL);
  EXPECT_EQ(call(&frame.context, 0), 0);
}

TEST_P(XdpAdjustTail, AFragNeverGrowsBeyondTheRoomItHas) {
  Frame frame(GetParam(), 3520, 4100);
  frame.context.frag_room = 4104;
  expect_refused(frame, 5, -EINVAL);
  EXPECT_EQ(call(&frame.context, 4), 0);
  EXPECT_EQ(frame.context.frag_len, 4104U);
}

TEST_P(XdpAdjustTail, ShrinksTheFragFirstAndThenTheLinearPart) {
  Frame frame(GetParam(), 100, 50);
  const auto before = frame.bytes();
  expect_refused(frame, -137, -EINVAL);
  EXPECT_EQ(call(&frame.context, -20), 0);
  EXPECT_EQ(frame.context.frag_len, 30U);
  EXPECT_EQ(frame.size(), 100);
  EXPECT_EQ(call(&frame.context, -40), 0);
  EXPECT_EQ(frame.context.frag_len, 0U);
  EXPECT_EQ(frame.bytes(), std::vector<std::byte>(before.begin(), before.begin() + 90));
  expect_refused(frame, -77, -EINVAL);  // now like a frame that never had a frag
  EXPECT_EQ(call(&frame.context, -76), 0);
  EXPECT_EQ(frame.size(), 14);
}

class XdpGetBuffLen : public HelperTest {};

TEST_F(XdpGetBuffLen, CountsLinearPartAndFragButNoMetadata) {
  Frame plain(Model::kNative, 60);
  plain.context.data_meta -= 8;
  EXPECT_EQ(call(&plain.context), 60);
  Frame fragmented(Model::kLinux, 3520, 69632);
  EXPECT_EQ(call(&fragmented.context), 73152);
  Frame empty(Model::kNative, 0);
  EXPECT_EQ(call(&empty.context), 0);
}

// load and store across the bounds of a frame of 100 + 50 bytes.
struct Range {
  std::int64_t offset, bytes;
  int result;
};
constexpr Range kRanges[] = {
    {0, 1, 0},
    {0, 100, 0},
    {99, 1, 0},
    {99, 2, 0},   // across
    {100, 1, 0},  // frag only
    {0, 150, 0},
    {50, 100, 0},
    {149, 1, 0},
    {150, 0, 0},
    {0, 0, 0},
    {150, 1, -EINVAL},
    {149, 2, -EINVAL},
    {0, 151, -EINVAL},
    {0xffff, 0, -EINVAL},
    {0xffff, 0xffff, -EINVAL},
    {0x10000, 0, -EFAULT},
    {0, 0x10000, -EFAULT},
    {-1, 1, -EFAULT},
    {0xffff'ffff, 2, -EFAULT},          // no sum of 32 bits wraps around
    {0x1'0000'0001, 0x1'0000'0002, 0},  // both are 32-bit numbers
    {0x1'0000'0096, 0x1'0000'0001, -EINVAL},
};

class XdpLoadBytes : public HelperTest {};

TEST_F(XdpLoadBytes, CopiesOutOfLinearPartAndFrag) {
  for (const Range& range : kRanges) {
    Frame frame(Model::kLinux, 100, 50);
    const auto before = frame.everything();
    const auto all = frame.bytes();
    const std::size_t count = range.result == 0 ? static_cast<std::uint32_t>(range.bytes) : 0;
    std::vector<std::byte> out(count);
    out.reserve(1);
    EXPECT_EQ(call(&frame.context, range.offset, out.data(), range.bytes), range.result)
        << range.offset << '+' << range.bytes;
    EXPECT_TRUE(std::equal(out.begin(), out.end(),
                           all.begin() + static_cast<std::uint32_t>(range.result == 0 ? range.offset : 0)))
        << range.offset << '+' << range.bytes;
    EXPECT_EQ(frame.everything(), before);
  }
}

// The verifier lets a program name packet bytes as the target.
TEST_F(XdpLoadBytes, TheTargetMayOverlapTheSource) {
  for (const int shift : {-7, -1, 0, 1, 7}) {
    Frame frame(Model::kNative, 100);
    auto expected = frame.bytes();
    std::vector<std::byte> piece(expected.begin() + 20, expected.begin() + 60);
    std::ranges::copy(piece, expected.begin() + 20 + shift);
    EXPECT_EQ(call(&frame.context, 20, frame.context.data + 20 + shift, 40), 0);
    EXPECT_EQ(frame.bytes(), expected) << shift;
  }
}

class XdpStoreBytes : public HelperTest {};

TEST_F(XdpStoreBytes, CopiesIntoLinearPartAndFrag) {
  for (const Range& range : kRanges) {
    Frame frame(Model::kLinux, 100, 50);
    auto expected = frame.bytes();
    const auto before = frame.everything();
    const std::size_t count = range.result == 0 ? static_cast<std::uint32_t>(range.bytes) : 0;
    std::vector<std::byte> in(count);
    in.reserve(1);
    for (std::size_t i = 0; i < count; ++i) in[i] = static_cast<std::byte>(200 - i);
    EXPECT_EQ(call(&frame.context, range.offset, in.data(), range.bytes), range.result)
        << range.offset << '+' << range.bytes;
    if (range.result != 0) {
      EXPECT_EQ(frame.everything(), before);
    } else {
      std::ranges::copy(in, expected.begin() + static_cast<std::uint32_t>(range.offset));
      EXPECT_EQ(frame.bytes(), expected) << range.offset << '+' << range.bytes;
    }
  }
}

TEST_F(XdpStoreBytes, TheSourceMayOverlapTheTarget) {
  for (const int shift : {-7, -1, 0, 1, 7}) {
    Frame frame(Model::kNative, 100);
    auto expected = frame.bytes();
    std::vector<std::byte> piece(expected.begin() + 20 + shift, expected.begin() + 60 + shift);
    std::ranges::copy(piece, expected.begin() + 20);
    EXPECT_EQ(call(&frame.context, 20, frame.context.data + 20 + shift, 40), 0);
    EXPECT_EQ(frame.bytes(), expected) << shift;
  }
}

}  // namespace
}  // namespace sluice::helpers::testing
