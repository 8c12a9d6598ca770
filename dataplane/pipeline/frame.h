#pragma once
// The memory of one frame in either frame model (DESIGN section 2) and how bytes get in and out of it. Owned and used
// by one thread. Buffers are reused frame after frame: nothing is allocated once made.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "vm/xdp.h"

namespace sluice::pipeline {

enum class FrameModel : std::uint8_t {
  kLinux,  // headroom 256 of which 40 are reserved, linear part up to 3,520 bytes, the rest in a frag; under 14 refused
  kNative,  // headroom 256, linear up to 9,216
};

constexpr std::uint32_t kHeadroom = 256;           // XDP_PACKET_HEADROOM
constexpr std::uint32_t kReservedHeadroom = 40;    // sizeof(struct xdp_frame), linux model
constexpr std::uint32_t kLinuxLinear = 3520;       // bytes
constexpr std::uint32_t kNativeLinear = 9216;      // bytes
constexpr std::uint32_t kShortestLinuxFrame = 14;  // ETH_HLEN

class FrameBuffer {
 public:
  explicit FrameBuffer(FrameModel model);

  // Resets `context` completely and copies `bytes` in. False when the model cannot hold them (too short, too long, or
  // longer than the linear part while `frags` is false); `why` then says it.
  bool load(std::span<const std::byte> bytes, bool frags, vm::XdpContext& context, std::string_view* why = nullptr);

  // The frame as it is now, metadata not included: linear part then frag, appended to `out` after clearing it.
  static void store(const vm::XdpContext& context, std::vector<std::byte>& out);
  // Bytes of the frame now, frag included.
  static std::uint32_t size(const vm::XdpContext& context) noexcept {
    return static_cast<std::uint32_t>(context.data_end - context.data) + context.frag_len;
  }

 private:
  FrameModel model_;
  std::vector<std::byte> linear_;
  std::vector<std::byte> frag_;  // linux model only
};

}  // namespace sluice::pipeline
