#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/functions.h"
#include "vm/maps/perf_event_array.h"
#include "vm/xdp.h"

namespace sluice::helpers {
namespace {

constexpr Arg kIndexMask = 0xffffffff;        // BPF_F_INDEX_MASK, linux/bpf.h
constexpr Arg kCurrentCpu = kIndexMask;       // BPF_F_CURRENT_CPU
constexpr Arg kFrameMask = 0xfffffULL << 32;  // BPF_F_CTXLEN_MASK
constexpr unsigned kFrameShift = 32;

// The first `bytes` of a frame, which has as many.
void copy_frame(const vm::XdpContext& frame, std::byte* to, std::uint64_t bytes) {
  const auto linear = std::min(bytes, static_cast<std::uint64_t>(frame.data_end - frame.data));
  std::memcpy(to, frame.data, linear);
  if (bytes != linear) std::memcpy(to + linear, frame.frag, bytes - linear);
}

}  // namespace

Arg perf_event_output(Arg context, Arg map, Arg flags, Arg data, Arg bytes, vm::ExecEnv& env) noexcept {
  const auto& frame = *reinterpret_cast<const vm::XdpContext*>(context);
  const std::uint64_t of_frame = (flags & kFrameMask) >> kFrameShift;
  if ((flags & ~(kIndexMask | kFrameMask)) != 0) return failed(-EINVAL);
  if (of_frame > static_cast<std::uint64_t>(frame.data_end - frame.data) + frame.frag_len) return failed(-EFAULT);
  // The row's map_types admit nothing else.
  const auto& array = static_cast<const vm::PerfEventArray&>(*reinterpret_cast<const vm::Map*>(map));
  const Arg index = flags & kIndexMask;
  const auto room = array.reserve(index == kCurrentCpu ? env.cpu : static_cast<std::uint32_t>(index), env.cpu,
                                  bytes + of_frame, of_frame);
  if (room.to == nullptr) return failed(room.error);
  if (bytes != 0) std::memcpy(room.to, reinterpret_cast<const std::byte*>(data), bytes);
  copy_frame(frame, room.to + bytes, of_frame);
  room.ring->commit();
  return 0;
}

}  // namespace sluice::helpers
