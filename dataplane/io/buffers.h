#pragma once
// Where a frame lies in an mbuf, and how a program's context is laid over it without a copy.
//
//     rte_mbuf | note, slack: 64 | head 128 | headroom 128 | frame ... room
//              '---- private area ---------' '--- buffer as DPDK sees it ----
//
// Debian's drivers put frames behind 128 bytes of headroom; the private area directly before the buffer gives programs
// the other half of XDP_PACKET_HEADROOM, and the slack keeps a VLAN tag that is put back from reaching the note. Data
// path; a frame belongs to one worker at a time.
#include <cstdint>
#include <memory>
#include <string>

#include <rte_mbuf.h>

#include "base/result.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/pipeline.h"
#include "vm/xdp.h"

namespace sluice::io {

// What travels with a frame from worker to worker.
struct Note {
  std::uint16_t port = 0;   // index into Pipeline::ports(): where it came in
  std::uint16_t queue = 0;  // receive queue
  // Of a frame that programs have run over and others shall: where it lies, in bytes from the start of the private area
  // (data may lie before the buffer), and pipeline::Handed's stage.
  std::uint16_t hard_start = 0, meta = 0, data = 0;
  std::int32_t stage = pipeline::kNone;
};

constexpr std::uint16_t kPrivateHead = 128;  // headroom that lies in the private area
constexpr std::uint16_t kPrivateSize = 192;  // note, slack and kPrivateHead
constexpr std::uint16_t kMostMoved = 44;     // bytes a frame may start before its headroom of 128
constexpr std::uint16_t kTag = 4;            // and a VLAN tag put back before that
static_assert(sizeof(Note) + kTag + kMostMoved + kPrivateHead == kPrivateSize, "the slack keeps frames off the note");
static_assert(RTE_PKTMBUF_HEADROOM + kPrivateHead == pipeline::kHeadroom);

// Bytes behind the headroom: as much as replay gives, or what the headers before them leave of one page.
constexpr std::uint32_t kRoom = pipeline::kNativeLinear;
constexpr std::uint32_t kPage = 4096;
constexpr std::uint32_t kPageRoom = kPage - RTE_MEMPOOL_ALIGN - sizeof(rte_mbuf) - kPrivateSize - RTE_PKTMBUF_HEADROOM;

struct FreePool {
  void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
};
using Pool = std::unique_ptr<rte_mempool, FreePool>;
// A pool of `frames` mbufs with `room` bytes each; `cache` of them kept by each worker.
Result<Pool> make_pool(const std::string& name, std::uint32_t frames, std::uint32_t room, unsigned cache);
// The same with kPageRoom bytes, each mbuf and its header in a page of its own, and nothing before, between or behind
// these pages: net_af_xdp takes `frames` pages for the extent of the pool, and the kernel ignores frames outside of it.
// Not of DPDK's memory.
Result<Pool> make_page_pool(const std::string& name, std::uint32_t frames, unsigned cache);
// Memory such a pool takes, in bytes, rounded up generously.
std::uint64_t pool_bytes(std::uint32_t frames, std::uint32_t room) noexcept;

inline Note& note(rte_mbuf& frame) noexcept { return *static_cast<Note*>(rte_mbuf_to_priv(&frame)); }
inline std::byte* buffer(const rte_mbuf& frame) noexcept { return static_cast<std::byte*>(frame.buf_addr); }

// Whether `expose` may be called: one segment, and its headroom is where programs need it.
inline bool is_plain(const rte_mbuf& frame) noexcept {
  return frame.nb_segs == 1 && frame.data_off + kMostMoved >= RTE_PKTMBUF_HEADROOM;
}
// Makes a frame plain: joins segments, moves what starts too far ahead. False when there is no room.
bool make_plain(rte_mbuf& frame) noexcept;

// Lays `context` over a plain frame as the native frame model says; nothing else is left of the frame before.
inline void expose(rte_mbuf& frame, std::uint16_t queue, vm::XdpContext& context) noexcept {
  std::byte* const data = buffer(frame) + frame.data_off;
  context.data = context.data_meta = data;
  context.data_end = data + frame.data_len;
  context.hard_start = data - pipeline::kHeadroom;
  context.frame_end = buffer(frame) + frame.buf_len;
  context.rx_queue_index = queue;
  context.egress_ifindex = 0;
  context.redirect = {};
  context.frag = nullptr;
  context.frag_len = context.frag_room = 0;
}

// Notes where a frame lies that programs have run over as `context`, for `expose_again` on another worker: data,
// metadata and the room before and behind them stay as they are.
void put_aside(rte_mbuf& frame, const vm::XdpContext& context) noexcept;
void expose_again(rte_mbuf& frame, vm::XdpContext& context) noexcept;

// The mbuf's lengths after programs have run over `context`. A frame that grew into the private area is moved behind
// it.
void settle(rte_mbuf& frame, const vm::XdpContext& context) noexcept;

}  // namespace sluice::io
