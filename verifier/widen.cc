#include "verifier/widen.h"

#include <algorithm>

namespace sluice::verifier {
namespace {

bool differ(const Reg& old, const Reg& now) {
  return !now.is_scalar() || !old.is_scalar() || !(old.value == now.value) || !old.is_linked_like(now);
}

bool differ(const Slot& old, const Slot& now) {
  std::size_t zeroes = 0;
  while (zeroes < old.bytes.size() && old.is_zero(zeroes) && now.is_zero(zeroes)) ++zeroes;
  if (zeroes == old.bytes.size()) return old.holds_scalar() && now.holds_scalar() && differ(old.spill, now.spill);
  return old.bytes != now.bytes || differ(old.spill, now.spill);
}

void forget(Reg& number) {
  const bool stale = number.stale;
  number = Reg::unknown();
  number.stale = stale;
}

void forget(Slot& slot) {
  slot.forget_spill();
  std::ranges::replace(slot.bytes, Byte::kZero, Byte::kMisc);
  slot.spill.origins = Origins::none();
}

}  // namespace

void widen(const State& before, const Origins& precise, State& now) {
  unsigned place = 0;
  const auto free = [&] { return !Origins::of(place++).meets(precise); };
  for (std::size_t i = 0; i < std::min(before.frames.size(), now.frames.size()); ++i) {
    const Frame& old = before.frames[i];
    Frame& frame = now.frames[i];
    for (unsigned r = 0; r < vm::kRegisters; ++r) {
      if (!old.regs[r].is_scalar()) continue;
      if (free() && frame.regs[r].is_scalar() && differ(old.regs[r], frame.regs[r])) forget(frame.regs[r]);
    }
    for (std::size_t s = 0; s < old.stack.size(); ++s) {
      if (!old.stack[s].holds_number()) continue;
      if (!free() || s >= frame.stack.size() || !frame.stack[s].holds_number()) continue;
      Slot& slot = frame.stack[s];
      if (!(slot.holds_scalar() && slot.spill.stale) && differ(old.stack[s], slot)) forget(slot);
    }
  }
}

}  // namespace sluice::verifier
