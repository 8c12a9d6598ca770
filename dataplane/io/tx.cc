#include "dataplane/io/tx.h"

#include <algorithm>
#include <cstring>

#include <rte_ethdev.h>

#include "base/check.h"
#include "dataplane/io/buffers.h"

namespace sluice::io {

using pipeline::DropReason;

namespace {

std::uint64_t bytes_of(rte_mbuf* const* frames, unsigned count) noexcept {
  std::uint64_t bytes = 0;
  for (unsigned i = 0; i < count; ++i) bytes += frames[i]->pkt_len;
  return bytes;
}

}  // namespace

Transmitter::Transmitter(std::vector<Outlet> outlets, std::vector<CpuRings> cpumaps, pipeline::Stats& stats)
    : outlets_(std::move(outlets)), cpumaps_(std::move(cpumaps)), batches_(outlets_.size()), stats_(stats) {
  pending_.reserve(outlets_.size());
}

void Transmitter::begin(std::span<vm::XdpContext> contexts, rte_mbuf** frames) noexcept {
  contexts_ = contexts;
  frames_ = frames;
}

rte_mbuf* Transmitter::mbuf_of(const vm::XdpContext& frame) const noexcept {
  if (&frame == &copy_) return copy_mbuf_;
  const auto index = static_cast<std::size_t>(&frame - contexts_.data());
  SLUICE_DCHECK(index < contexts_.size());
  return frames_[index];
}

vm::XdpContext* Transmitter::clone(const vm::XdpContext& frame) noexcept {
  const rte_mbuf* const from = mbuf_of(frame);
  rte_mbuf* const to = rte_pktmbuf_alloc(from->pool);
  if (to == nullptr) return nullptr;
  // The same place in a buffer of the same shape: every pointer moves by the same distance.
  const std::ptrdiff_t distance = buffer(*to) - buffer(*from);
  copy_ = frame;
  copy_.data += distance;
  copy_.data_end += distance;
  copy_.data_meta += distance;
  copy_.hard_start += distance;
  copy_.frame_end += distance;
  std::memcpy(copy_.data_meta, frame.data_meta, static_cast<std::size_t>(frame.data_end - frame.data_meta));
  copy_mbuf_ = to;
  return &copy_;
}

void Transmitter::send(const pipeline::Passage& /*passage*/, vm::XdpContext& frame, std::uint16_t port) noexcept {
  rte_mbuf* const mbuf = mbuf_of(frame);
  settle(*mbuf, frame);
  if (mbuf->pkt_len > outlets_[port].longest) {
    stats_.take_back(port, 1, mbuf->pkt_len);
    stats_.count_drop(DropReason::kTxTooLong);
    return free_later(mbuf);
  }
  Batch& batch = batches_[port];
  if (batch.count == 0) pending_.push_back(port);
  batch.frames[batch.count++] = mbuf;
  if (batch.count == batch.frames.size()) {
    flush(port);
    std::erase(pending_, port);
  }
}

void Transmitter::drop(const pipeline::Passage& /*passage*/, vm::XdpContext& frame, DropReason /*reason*/) noexcept {
  free_later(mbuf_of(frame));
}

rte_ring* Transmitter::ring_of(const vm::Redirect& redirect) const noexcept {
  const auto found = std::ranges::find(cpumaps_, redirect.map, &CpuRings::map);
  const bool known = found != cpumaps_.end() && redirect.ifindex < found->by_cpu.size();
  return known ? found->by_cpu[redirect.ifindex] : nullptr;
}

pipeline::HandOver Transmitter::hand_over(const pipeline::Handed& handed, vm::XdpContext& frame) noexcept {
  rte_ring* const ring = ring_of(frame.redirect);
  if (ring == nullptr) return pipeline::HandOver::kNoWorker;
  rte_mbuf* const mbuf = mbuf_of(frame);
  note(*mbuf) = {.port = handed.port, .stage = handed.stage};
  put_aside(*mbuf, frame);
  return rte_ring_mp_enqueue(ring, mbuf) == 0 ? pipeline::HandOver::kTaken : pipeline::HandOver::kFull;
}

void Transmitter::free_later(rte_mbuf* frame) noexcept {
  dropped_.frames[dropped_.count++] = frame;
  if (dropped_.count == dropped_.frames.size()) free_dropped();
}

void Transmitter::free_dropped() noexcept {
  rte_pktmbuf_free_bulk(dropped_.frames.data(), dropped_.count);
  dropped_.count = 0;
}

void Transmitter::give_up(std::uint16_t port, rte_mbuf** frames, unsigned count, DropReason reason) noexcept {
  stats_.take_back(port, count, bytes_of(frames, count));
  stats_.count_drop(reason, count);
  rte_pktmbuf_free_bulk(frames, count);
}

void Transmitter::flush(std::uint16_t port) noexcept {
  const Outlet& outlet = outlets_[port];
  Batch& batch = batches_[port];
  rte_mbuf** const frames = batch.frames.data();
  const unsigned count = batch.count;
  batch.count = 0;
  if (outlet.down->load(std::memory_order_relaxed)) return give_up(port, frames, count, DropReason::kPortDown);
  unsigned sent = 0;
  if (outlet.ring == nullptr) {
    sent = rte_eth_tx_burst(outlet.device, outlet.queue, frames, static_cast<std::uint16_t>(count));
  } else {
    // In flight from here: the owner counts them as sent when they are.
    std::array<std::uint32_t, pipeline::kBurst> lengths{};
    for (unsigned i = 0; i < count; ++i) lengths[i] = frames[i]->pkt_len;
    sent = rte_ring_mp_enqueue_burst(outlet.ring, reinterpret_cast<void**>(frames), count, nullptr);
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < sent; ++i) bytes += lengths[i];
    stats_.take_back(port, sent, bytes);
  }
  if (sent < count) give_up(port, frames + sent, count - sent, DropReason::kTxFull);
}

void Transmitter::flush() noexcept {
  for (const std::uint16_t port : pending_) flush(port);
  pending_.clear();
  if (dropped_.count != 0) free_dropped();
}

void Transmitter::send_handed(std::uint16_t port, rte_mbuf** frames, unsigned count) noexcept {
  const Outlet& outlet = outlets_[port];
  SLUICE_DCHECK(outlet.ring == nullptr);
  stats_.ports[port].tx_frames += count;
  stats_.ports[port].tx_bytes += bytes_of(frames, count);
  if (outlet.down->load(std::memory_order_relaxed)) return give_up(port, frames, count, DropReason::kPortDown);
  const unsigned sent = rte_eth_tx_burst(outlet.device, outlet.queue, frames, static_cast<std::uint16_t>(count));
  if (sent < count) give_up(port, frames + sent, count - sent, DropReason::kTxFull);
}

}  // namespace sluice::io
