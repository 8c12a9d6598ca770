#include "dataplane/io/buffers.h"

#include <numeric>

#include <gtest/gtest.h>

#include "tests/unit/io/support.h"

namespace sluice::io {
namespace {

TEST(Buffers, AProgramHas256BytesBeforeTheFrameAndEverythingBehindIt) {
  const TestPool pool(4);
  rte_mbuf* const frame = pool.frame(60);
  ASSERT_TRUE(is_plain(*frame));
  vm::XdpContext context;
  context.redirect.kind = vm::Redirect::Kind::kEntry;
  context.egress_ifindex = 7;
  expose(*frame, 3, context);
  EXPECT_EQ(context.data - context.hard_start, 256);
  EXPECT_EQ(context.data_end - context.data, 60);
  EXPECT_EQ(context.frame_end - context.data, 2048);
  EXPECT_EQ(context.data_meta, context.data);
  EXPECT_EQ(context.rx_queue_index, 3U);
  EXPECT_EQ(context.egress_ifindex, 0U);
  EXPECT_EQ(context.redirect.kind, vm::Redirect::Kind::kNone);
  // All of it is the frame's own: the note, the mbuf and the next frame stay as they are.
  note(*frame) = {.port = 0x1234, .queue = 0x5678};
  std::memset(context.hard_start, 0xff, static_cast<std::size_t>(context.frame_end - context.hard_start));
  EXPECT_EQ(note(*frame).port, 0x1234);
  EXPECT_EQ(note(*frame).queue, 0x5678);
  EXPECT_EQ(frame->buf_len, RTE_PKTMBUF_HEADROOM + 2048);
  rte_pktmbuf_free(frame);
}

TEST(Buffers, AFrameThatGrewIntoThePrivateAreaIsMovedAndKeepsItsBytes) {
  const TestPool pool(4);
  for (const std::ptrdiff_t grown : {0, 20, 127, 128, 129, 200, 256}) {
    rte_mbuf* const frame = pool.frame(60);
    const std::vector<unsigned> before = content(*frame);
    vm::XdpContext context;
    expose(*frame, 0, context);
    context.data -= grown;
    std::memset(context.data, 0xee, static_cast<std::size_t>(grown));
    settle(*frame, context);
    std::vector<unsigned> expected(static_cast<std::size_t>(grown), 0xee);
    expected.insert(expected.end(), before.begin(), before.end());
    EXPECT_EQ(content(*frame), expected) << grown;
    EXPECT_EQ(frame->pkt_len, 60U + static_cast<unsigned>(grown));
    EXPECT_EQ(rte_mbuf_check(frame, 1, nullptr), 0);
    rte_pktmbuf_free(frame);
  }
}

TEST(Buffers, AFramePutAsideIsTheSameForTheNextProgram) {
  const TestPool pool(4);
  for (const std::ptrdiff_t grown : {-30, 0, 20, 128, 129, 200, 240}) {
    for (const std::ptrdiff_t meta : {0, 8}) {
      for (const unsigned moved : {0U, 1U, unsigned{kMostMoved}}) {
        rte_mbuf* const frame = pool.frame(60);
        frame->data_off = static_cast<std::uint16_t>(frame->data_off - moved);
        ASSERT_TRUE(is_plain(*frame));
        if (moved == kMostMoved) frame->data_off = static_cast<std::uint16_t>(frame->data_off - kTag);
        vm::XdpContext before;
        expose(*frame, 3, before);
        before.data -= grown;
        before.data_meta = before.data - meta;
        before.data_end += 7;
        before.redirect.kind = vm::Redirect::Kind::kCpu;
        note(*frame) = {.port = 1, .stage = 5};
        put_aside(*frame, before);
        // All a program may write does not reach the note.
        std::memset(before.hard_start, 0xff, static_cast<std::size_t>(before.frame_end - before.hard_start));
        vm::XdpContext after;
        expose_again(*frame, after);
        EXPECT_EQ(after.hard_start, before.hard_start) << grown << " " << moved;
        EXPECT_EQ(after.data_meta, before.data_meta);
        EXPECT_EQ(after.data, before.data);
        EXPECT_EQ(after.data_end, before.data_end);
        EXPECT_EQ(after.frame_end, before.frame_end);
        EXPECT_EQ(after.redirect.kind, vm::Redirect::Kind::kNone);
        EXPECT_EQ(note(*frame).port, 1);
        EXPECT_EQ(note(*frame).stage, 5);
        EXPECT_EQ(frame->pkt_len, 67U + static_cast<unsigned>(grown));
        rte_pktmbuf_free(frame);
      }
    }
  }
}

TEST(Buffers, FramesThatWereCutOrLengthenedHaveTheirNewLength) {
  const TestPool pool(4);
  for (const int change : {-46, -1, 0, 100, 2048 - 60}) {
    rte_mbuf* const frame = pool.frame(60);
    vm::XdpContext context;
    expose(*frame, 0, context);
    context.data_end += change;
    settle(*frame, context);
    EXPECT_EQ(frame->data_len, 60 + change);
    EXPECT_EQ(frame->pkt_len, 60U + static_cast<unsigned>(change));
    rte_pktmbuf_free(frame);
  }
}

TEST(Buffers, PiecesAreJoinedWhereTheyFit) {
  const TestPool pool(8);
  rte_mbuf* const frame = pool.frame(60);
  ASSERT_EQ(rte_pktmbuf_chain(frame, pool.frame(40)), 0);
  EXPECT_FALSE(is_plain(*frame));
  ASSERT_TRUE(make_plain(*frame));
  EXPECT_TRUE(is_plain(*frame));
  EXPECT_EQ(frame->data_len, 100);
  EXPECT_EQ(content(*frame)[60], 0U);
  EXPECT_EQ(content(*frame)[99], 39U);
  rte_pktmbuf_free(frame);

  rte_mbuf* const big = pool.frame(2000);
  ASSERT_EQ(rte_pktmbuf_chain(big, pool.frame(100)), 0);
  EXPECT_FALSE(make_plain(*big));
  rte_pktmbuf_free(big);
}

TEST(Buffers, AFrameThatStartsTooFarAheadIsMovedBehindItsHeadroom) {
  const TestPool pool(4);
  rte_mbuf* const frame = pool.frame(60);
  const std::vector<unsigned> before = content(*frame);
  std::memmove(buffer(*frame) + 16, buffer(*frame) + frame->data_off, 60);
  frame->data_off = 16;
  EXPECT_FALSE(is_plain(*frame));
  ASSERT_TRUE(make_plain(*frame));
  EXPECT_EQ(frame->data_off, RTE_PKTMBUF_HEADROOM);
  EXPECT_EQ(content(*frame), before);
  // One that fills the buffer cannot be moved.
  frame->data_off = 0;
  frame->data_len = frame->buf_len;
  frame->pkt_len = frame->buf_len;
  EXPECT_FALSE(make_plain(*frame));
  rte_pktmbuf_free(frame);
}

TEST(Buffers, APoolThatDoesNotFitSaysHowMuchItWanted) {
  const auto pool = make_pool("huge", 1U << 22, kRoom, 0);
  ASSERT_FALSE(pool.has_value());
  EXPECT_EQ(pool.error().code, ErrorCode::kEnvironment);
  EXPECT_NE(pool.error().message.find("MiB) do not fit into DPDK's memory"), std::string::npos) << pool.error().message;
}

TEST(Buffers, APoolOfPagesIsOneAreaWithOneMbufAPage) {
  constexpr std::uint32_t kFrames = 300;
  const auto pool = make_page_pool("pages", kFrames, 0);
  ASSERT_TRUE(pool.has_value()) << pool.error().message;
  rte_mempool& made = *pool->get();
  EXPECT_EQ(made.populated_size, kFrames);
  EXPECT_EQ(made.nb_mem_chunks, 1U);
  // This is how net_af_xdp measures what it gives to the kernel.
  EXPECT_EQ(rte_mempool_calc_obj_size(made.elt_size, made.flags, nullptr), kPage);
  const auto base = reinterpret_cast<std::uintptr_t>(STAILQ_FIRST(&made.mem_list)->addr);
  EXPECT_EQ(base % kPage, 0U);
  std::vector<std::uintptr_t> places;
  rte_mempool_obj_iter(
      &made,
      [](rte_mempool*, void* to, void* object, unsigned) {
        static_cast<std::vector<std::uintptr_t>*>(to)->push_back(reinterpret_cast<std::uintptr_t>(object));
      },
      &places);
  ASSERT_EQ(places.size(), kFrames);
  for (std::size_t i = 0; i < places.size(); ++i) EXPECT_EQ(places[i], base + i * kPage + RTE_MEMPOOL_ALIGN);
  rte_mbuf* const frame = rte_pktmbuf_alloc(&made);
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(rte_pktmbuf_tailroom(frame), kPageRoom);
  rte_pktmbuf_free(frame);
}

}  // namespace
}  // namespace sluice::io
