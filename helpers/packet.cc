#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/functions.h"
#include "vm/xdp.h"

namespace sluice::helpers {
namespace {

constexpr std::int64_t kEthernetHeader = 14;  // ETH_HLEN: no frame may become shorter
constexpr std::int64_t kMetaMost = 255;       // what the kernel's 8-bit skb_shared_info::meta_len holds
constexpr std::uint32_t kFragBytes = 4096;    // the kernel's frags are pages
constexpr std::uint32_t kReachMost = 0xffff;  // offset and length of load and store

vm::XdpContext& frame_at(Arg context) { return *reinterpret_cast<vm::XdpContext*>(context); }

std::uint64_t linear_of(const vm::XdpContext& frame) { return static_cast<std::uint64_t>(frame.data_end - frame.data); }

// How far the program wants to move: an int in the kernel, whatever the register's upper half says.
std::int64_t delta_of(Arg delta) { return static_cast<std::int32_t>(delta); }

// Growth stays inside the last page, as the kernel's does; shrinking gives pages back from the end.
Arg adjust_frag_tail(vm::XdpContext& frame, std::int64_t delta) {
  if (delta >= 0) {
    const std::uint32_t pages = (frame.frag_len + kFragBytes - 1) / kFragBytes * kFragBytes;
    if (delta > std::int64_t{std::min(pages, frame.frag_room)} - frame.frag_len) return failed(-EINVAL);
    std::memset(frame.frag + frame.frag_len, 0, static_cast<std::size_t>(delta));
    frame.frag_len += static_cast<std::uint32_t>(delta);
    return 0;
  }
  const auto linear = static_cast<std::int64_t>(linear_of(frame));
  if (-delta > linear + frame.frag_len - kEthernetHeader) return failed(-EINVAL);
  const auto from_frag = std::min<std::int64_t>(-delta, frame.frag_len);
  frame.frag_len -= static_cast<std::uint32_t>(from_frag);
  frame.data_end -= -delta - from_frag;
  return 0;
}

// 0, or the error for a range that is not in the frame.
int check_range(const vm::XdpContext& frame, std::uint32_t offset, std::uint32_t bytes) {
  if (offset > kReachMost || bytes > kReachMost) return -EFAULT;
  return offset + bytes > linear_of(frame) + frame.frag_len ? -EINVAL : 0;
}

// Calls copy(frame bytes, other bytes done before, count) for the linear and the frag piece of a checked range.
template <typename Copy>
void for_pieces(const vm::XdpContext& frame, std::uint64_t offset, std::uint64_t bytes, Copy copy) {
  const std::uint64_t linear = linear_of(frame);
  const std::uint64_t first = offset < linear ? std::min(bytes, linear - offset) : 0;
  if (first != 0) copy(frame.data + offset, 0, first);
  if (bytes != first) copy(frame.frag + (offset + first - linear), first, bytes - first);
}

}  // namespace

Arg xdp_adjust_head(Arg context, Arg delta, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  vm::XdpContext& frame = frame_at(context);
  const std::int64_t by = delta_of(delta);
  const std::ptrdiff_t meta = frame.data - frame.data_meta;
  if (by < frame.hard_start - frame.data_meta || by > frame.data_end - frame.data - kEthernetHeader) {
    return failed(-EINVAL);
  }
  if (meta != 0) std::memmove(frame.data_meta + by, frame.data_meta, static_cast<std::size_t>(meta));
  frame.data_meta += by;
  frame.data += by;
  return 0;
}

Arg xdp_adjust_meta(Arg context, Arg delta, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  vm::XdpContext& frame = frame_at(context);
  const std::int64_t by = delta_of(delta);
  if (by < frame.hard_start - frame.data_meta || by > frame.data - frame.data_meta) return failed(-EINVAL);
  const std::int64_t meta = frame.data - frame.data_meta - by;
  if (meta % 4 != 0 || meta > kMetaMost) return failed(-EACCES);
  frame.data_meta += by;
  return 0;
}

Arg xdp_adjust_tail(Arg context, Arg delta, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  vm::XdpContext& frame = frame_at(context);
  const std::int64_t by = delta_of(delta);
  if (frame.frag_len != 0) return adjust_frag_tail(frame, by);
  if (by > frame.frame_end - frame.data_end) return failed(-EINVAL);
  if (by < frame.data - frame.data_end + kEthernetHeader) return failed(-EINVAL);
  if (by > 0) std::memset(frame.data_end, 0, static_cast<std::size_t>(by));
  frame.data_end += by;
  return 0;
}

Arg xdp_get_buff_len(Arg context, Arg, Arg, Arg, Arg, vm::ExecEnv& /*env*/) noexcept {
  const vm::XdpContext& frame = frame_at(context);
  return linear_of(frame) + frame.frag_len;
}

Arg xdp_load_bytes(Arg context, Arg offset, Arg to, Arg bytes, Arg, vm::ExecEnv& /*env*/) noexcept {
  const vm::XdpContext& frame = frame_at(context);
  const auto start = static_cast<std::uint32_t>(offset);
  const auto count = static_cast<std::uint32_t>(bytes);
  if (const int error = check_range(frame, start, count)) return failed(error);
  auto* const target = reinterpret_cast<std::byte*>(to);
  // The target may be packet bytes itself, even the very ones read.
  for_pieces(frame, start, count, [&](const std::byte* piece, std::uint64_t done, std::uint64_t n) {
    std::memmove(target + done, piece, n);
  });
  return 0;
}

Arg xdp_store_bytes(Arg context, Arg offset, Arg from, Arg bytes, Arg, vm::ExecEnv& /*env*/) noexcept {
  vm::XdpContext& frame = frame_at(context);
  const auto start = static_cast<std::uint32_t>(offset);
  const auto count = static_cast<std::uint32_t>(bytes);
  if (const int error = check_range(frame, start, count)) return failed(error);
  const auto* const source = reinterpret_cast<const std::byte*>(from);
  // The source may be packet bytes itself, even the very ones written.
  for_pieces(frame, start, count,
             [&](std::byte* piece, std::uint64_t done, std::uint64_t n) { std::memmove(piece, source + done, n); });
  return 0;
}

}  // namespace sluice::helpers
