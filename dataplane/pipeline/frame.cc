#include "dataplane/pipeline/frame.h"

#include <algorithm>
#include <cstring>

namespace sluice::pipeline {
namespace {

// The linux model's frags lie in pages of their own, at most MAX_SKB_FRAGS of them (linux/skbuff.h). Programs see
// them as one run of bytes; the tail grows up to the end of the last page.
constexpr std::size_t kFragPage = 4096;
constexpr std::size_t kFragPages = 17;

}  // namespace

FrameBuffer::FrameBuffer(FrameModel model)
    : model_(model), linear_(kHeadroom + (model == FrameModel::kLinux ? kLinuxLinear : kNativeLinear)) {
  if (model == FrameModel::kLinux) frag_.resize(kFragPage * kFragPages);
}

bool FrameBuffer::load(std::span<const std::byte> bytes, bool frags, vm::XdpContext& context, std::string_view* why) {
  const auto refuse = [why](std::string_view reason) {
    if (why != nullptr) *why = reason;
    return false;
  };
  const std::size_t room = linear_.size() - kHeadroom;
  const std::size_t head = std::min(bytes.size(), room);
  const std::size_t rest = bytes.size() - head;
  if (model_ == FrameModel::kLinux && bytes.size() < kShortestLinuxFrame) return refuse("shorter than 14 bytes");
  if (model_ == FrameModel::kNative && rest != 0) return refuse("longer than 9216 bytes");
  if (rest != 0 && !frags) return refuse("longer than 3520 bytes, and the program does not take frags");
  if (rest > frag_.size()) return refuse("longer than 73152 bytes");

  context = {};
  std::byte* const start = linear_.data();
  std::memset(start, 0, kHeadroom);  // nothing of the frame before is left for a program that moves its head
  context.hard_start = start + (model_ == FrameModel::kLinux ? kReservedHeadroom : 0);
  context.data = context.data_meta = start + kHeadroom;
  context.data_end = std::copy_n(bytes.data(), head, context.data);
  context.frame_end = start + linear_.size();
  if (rest != 0) {
    std::copy_n(bytes.data() + head, rest, frag_.data());
    context.frag = frag_.data();
    context.frag_len = static_cast<std::uint32_t>(rest);
    context.frag_room = static_cast<std::uint32_t>((rest + kFragPage - 1) / kFragPage * kFragPage);
  }
  return true;
}

void FrameBuffer::store(const vm::XdpContext& context, std::vector<std::byte>& out) {
  out.assign(context.data, context.data_end);
  if (context.frag != nullptr) out.insert(out.end(), context.frag, context.frag + context.frag_len);
}

}  // namespace sluice::pipeline
