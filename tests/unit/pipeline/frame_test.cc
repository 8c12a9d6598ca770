#include "dataplane/pipeline/frame.h"

#include <numeric>

#include <gtest/gtest.h>

namespace sluice::pipeline {
namespace {

std::vector<std::byte> bytes(std::size_t size) {
  std::vector<std::byte> all(size);
  for (std::size_t i = 0; i < size; ++i) all[i] = static_cast<std::byte>(i * 7 + 1);
  return all;
}

bool load(FrameModel model, std::size_t size, bool frags, std::string_view* why = nullptr) {
  FrameBuffer buffer(model);
  vm::XdpContext context;
  return buffer.load(bytes(size), frags, context, why);
}

TEST(FrameBuffer, GivesBackWhatWasPutIn) {
  for (const FrameModel model : {FrameModel::kLinux, FrameModel::kNative}) {
    for (const std::size_t size : {14U, 60U, 1514U, 3520U}) {
      FrameBuffer buffer(model);
      vm::XdpContext context;
      ASSERT_TRUE(buffer.load(bytes(size), false, context));
      std::vector<std::byte> out(3);
      FrameBuffer::store(context, out);
      EXPECT_EQ(out, bytes(size));
      EXPECT_EQ(FrameBuffer::size(context), size);
      EXPECT_EQ(context.data_meta, context.data);
      EXPECT_EQ(context.frag, nullptr);
    }
  }
}

TEST(FrameBuffer, HeadroomIs216BytesUnderLinuxAnd256Natively) {
  FrameBuffer linux_buffer(FrameModel::kLinux);
  FrameBuffer native_buffer(FrameModel::kNative);
  vm::XdpContext context;
  ASSERT_TRUE(linux_buffer.load(bytes(60), false, context));
  EXPECT_EQ(context.data - context.hard_start, 216);
  EXPECT_EQ(context.frame_end - context.data, 3520);
  ASSERT_TRUE(native_buffer.load(bytes(60), false, context));
  EXPECT_EQ(context.data - context.hard_start, 256);
  EXPECT_EQ(context.frame_end - context.data, 9216);
}

TEST(FrameBuffer, LinuxPutsWhatIsLongIntoAFrag) {
  FrameBuffer buffer(FrameModel::kLinux);
  vm::XdpContext context;
  ASSERT_TRUE(buffer.load(bytes(9000), true, context));
  EXPECT_EQ(context.data_end - context.data, 3520);
  EXPECT_EQ(context.frag_len, 9000U - 3520U);
  EXPECT_EQ(context.frag_room, 8192U);
  EXPECT_EQ(FrameBuffer::size(context), 9000U);
  std::vector<std::byte> out;
  FrameBuffer::store(context, out);
  EXPECT_EQ(out, bytes(9000));
}

TEST(FrameBuffer, RefusesWhatTheModelCannotHoldAndSaysWhy) {
  std::string_view why;
  EXPECT_FALSE(load(FrameModel::kLinux, 13, false, &why));
  EXPECT_EQ(why, "shorter than 14 bytes");
  EXPECT_FALSE(load(FrameModel::kLinux, 3521, false, &why));
  EXPECT_EQ(why, "longer than 3520 bytes, and the program does not take frags");
  EXPECT_TRUE(load(FrameModel::kLinux, 73152, true));
  EXPECT_FALSE(load(FrameModel::kLinux, 73153, true, &why));
  EXPECT_EQ(why, "longer than 73152 bytes");
  EXPECT_TRUE(load(FrameModel::kNative, 9216, false));
  EXPECT_FALSE(load(FrameModel::kNative, 9217, true, &why));
  EXPECT_EQ(why, "longer than 9216 bytes");
  EXPECT_TRUE(load(FrameModel::kNative, 0, false));
  EXPECT_FALSE(load(FrameModel::kLinux, 0, false)) << "no reason asked for";
}

TEST(FrameBuffer, NothingOfTheFrameBeforeIsLeftInTheHeadroomOrTheContext) {
  FrameBuffer buffer(FrameModel::kNative);
  vm::XdpContext context;
  ASSERT_TRUE(buffer.load(bytes(60), false, context));
  std::fill(context.hard_start, context.data, std::byte{0xaa});
  context.data = context.data_meta = context.hard_start;
  context.depth = 7;
  context.redirect.kind = vm::Redirect::Kind::kIfindex;
  ASSERT_TRUE(buffer.load(bytes(60), false, context));
  EXPECT_TRUE(std::all_of(context.hard_start, context.data, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(context.depth, 0U);
  EXPECT_EQ(context.redirect.kind, vm::Redirect::Kind::kNone);
}

}  // namespace
}  // namespace sluice::pipeline
