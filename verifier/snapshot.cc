#include "verifier/snapshot.h"

#include <algorithm>
#include <bit>

namespace sluice::verifier {
namespace {

bool anything_known(const Slot& slot) {
  return std::ranges::any_of(slot.bytes, [](Byte byte) { return byte != Byte::kInvalid; });
}

}  // namespace

const Live& live_in(const Context& context, std::uint32_t slot, bool top, std::uint32_t above) {
  return top ? context.live.before[slot] : context.live.during[above];
}

const Slot& unwritten_slot() {
  static constexpr Slot kUnwritten;
  return kUnwritten;
}

Snapshot::Snapshot(const Context& context, const State& state, Containment how)
    : slot_(state.slot), references_(state.references), lock_(state.lock) {
  const WholeState whole(state);
  const bool all = how == Containment::kExact;
  parts_.resize(state.frames.size());
  regs_.reserve(vm::kFrameRegister);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Frame& frame = state.frames[i];
    const Live& live = live_in(context, whole, i);
    Part& part = parts_[i];
    part.call_site = frame.call_site;
    part.first_reg = static_cast<std::uint32_t>(regs_.size());
    part.first_slot = static_cast<std::uint32_t>(slots_.size());
    for (unsigned r = 0; r < vm::kFrameRegister; ++r) {
      if (!all && (live.regs >> r & 1U) == 0) continue;
      part.reg_at[r] = static_cast<std::uint8_t>(regs_.size() - part.first_reg);
      regs_.push_back(frame.regs[r]);
    }
    for (std::size_t n = 0; n < frame.stack.size(); ++n) {
      if (!all && (live.slots >> n & 1U) == 0) continue;
      if (!anything_known(frame.stack[n])) continue;
      part.slots |= std::uint64_t{1} << n;
      slots_.push_back(frame.stack[n]);
    }
  }
  regs_.shrink_to_fit();
  slots_.shrink_to_fit();
}

std::size_t Snapshot::depth(std::size_t frame) const noexcept {
  return static_cast<std::size_t>(std::bit_width(parts_[frame].slots));
}

const Reg& Snapshot::reg(std::size_t frame, unsigned number) const noexcept {
  const Part& part = parts_[frame];
  return regs_[part.first_reg + part.reg_at[number]];
}

const Slot& Snapshot::stack(std::size_t frame, std::size_t number) const noexcept {
  const Part& part = parts_[frame];
  if ((part.slots >> number & 1U) == 0) return unwritten_slot();
  const std::uint64_t below = part.slots & ((std::uint64_t{1} << number) - 1);
  return slots_[part.first_slot + static_cast<std::size_t>(std::popcount(below))];
}

}  // namespace sluice::verifier
