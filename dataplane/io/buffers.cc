#include "dataplane/io/buffers.h"

#include <cstring>

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_mbuf_pool_ops.h>

namespace sluice::io {

namespace {

Error no_room(std::uint32_t frames, std::uint32_t room) {
  return {ErrorCode::kEnvironment,
          fmt::format("{} frames of {} bytes ({} MiB) do not fit into DPDK's memory: {}; give more by `dpdk: {{memory: "
                      "SIZE}}` or free huge pages",
                      frames, room, pool_bytes(frames, room) >> 20, rte_strerror(rte_errno))};
}

}  // namespace

Result<Pool> make_pool(const std::string& name, std::uint32_t frames, std::uint32_t room, unsigned cache) {
  const auto buffer = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + room);
  Pool pool(rte_pktmbuf_pool_create(name.c_str(), frames, cache, kPrivateSize, buffer, SOCKET_ID_ANY));
  if (pool == nullptr) return no_room(frames, room);
  return pool;
}

Result<Pool> make_page_pool(const std::string& name, std::uint32_t frames, unsigned cache) {
  constexpr std::uint16_t kBuffer = RTE_PKTMBUF_HEADROOM + kPageRoom;
  // What rte_pktmbuf_pool_create does, but for two things: no spreading of objects over memory channels, which makes
  // them longer, and memory that begins with a page.
  constexpr unsigned kFlags = RTE_MEMPOOL_F_NO_SPREAD | RTE_MEMPOOL_F_NO_IOVA_CONTIG;
  Pool pool(rte_mempool_create_empty(name.c_str(), frames, sizeof(rte_mbuf) + kPrivateSize + kBuffer, cache,
                                     sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, kFlags));
  if (pool == nullptr || rte_mempool_set_ops_byname(pool.get(), rte_mbuf_best_mempool_ops(), nullptr) != 0) {
    return no_room(frames, kPageRoom);
  }
  rte_pktmbuf_pool_private shape{.mbuf_data_room_size = kBuffer, .mbuf_priv_size = kPrivateSize, .flags = 0};
  rte_pktmbuf_pool_init(pool.get(), &shape);
  if (rte_mempool_populate_anon(pool.get()) <= 0) return no_room(frames, kPageRoom);
  rte_mempool_obj_iter(pool.get(), rte_pktmbuf_init, nullptr);
  return pool;
}

std::uint64_t pool_bytes(std::uint32_t frames, std::uint32_t room) noexcept {
  const std::uint64_t each = sizeof(rte_mbuf) + kPrivateSize + RTE_PKTMBUF_HEADROOM + room + 4 * RTE_CACHE_LINE_SIZE;
  // Without huge pages, DPDK sets aside whole pages for what is longer than one.
  const std::uint64_t pages = (each + kPage - 1) / kPage * kPage;
  return frames * (each > kPage ? pages : each) + (std::uint64_t{4} << 20);
}

bool make_plain(rte_mbuf& frame) noexcept {
  if (frame.nb_segs > 1 && rte_pktmbuf_linearize(&frame) != 0) return false;
  if (frame.data_off + kMostMoved >= RTE_PKTMBUF_HEADROOM) return true;
  if (RTE_PKTMBUF_HEADROOM + frame.data_len > frame.buf_len) return false;
  std::memmove(buffer(frame) + RTE_PKTMBUF_HEADROOM, buffer(frame) + frame.data_off, frame.data_len);
  frame.data_off = RTE_PKTMBUF_HEADROOM;
  return true;
}

void put_aside(rte_mbuf& frame, const vm::XdpContext& context) noexcept {
  const auto* const area = static_cast<const std::byte*>(rte_mbuf_to_priv(&frame));
  const auto offset = [&](const std::byte* at) { return static_cast<std::uint16_t>(at - area); };
  Note& to = note(frame);
  to.hard_start = offset(context.hard_start);
  to.meta = offset(context.data_meta);
  to.data = offset(context.data);
  frame.data_len = static_cast<std::uint16_t>(context.data_end - context.data);
  frame.pkt_len = frame.data_len;
}

void expose_again(rte_mbuf& frame, vm::XdpContext& context) noexcept {
  expose(frame, 0, context);
  auto* const area = static_cast<std::byte*>(rte_mbuf_to_priv(&frame));
  const Note& from = note(frame);
  context.hard_start = area + from.hard_start;
  context.data_meta = area + from.meta;
  context.data = area + from.data;
  context.data_end = context.data + frame.data_len;
}

void settle(rte_mbuf& frame, const vm::XdpContext& context) noexcept {
  const auto length = static_cast<std::uint16_t>(context.data_end - context.data);
  std::ptrdiff_t offset = context.data - buffer(frame);
  if (offset < 0) {
    std::memmove(buffer(frame), context.data, length);
    offset = 0;
  }
  frame.data_off = static_cast<std::uint16_t>(offset);
  frame.data_len = length;
  frame.pkt_len = length;
  frame.ol_flags = 0;
  frame.vlan_tci = 0;
}

}  // namespace sluice::io
