#include "verifier/state.h"

#include <algorithm>

namespace sluice::verifier {

bool Slot::has_invalid() const noexcept { return std::ranges::find(bytes, Byte::kInvalid) != bytes.end(); }

bool Slot::holds_number() const noexcept {
  return !holds_pointer() && std::ranges::any_of(bytes, [](Byte b) { return b == Byte::kZero || b == Byte::kSpill; });
}

void Slot::forget_spill() noexcept { std::ranges::replace(bytes, Byte::kSpill, Byte::kMisc); }

void Frame::reserve(std::int64_t offset) {
  const auto slots = static_cast<std::size_t>((-offset + 7) / 8);
  if (stack.size() < slots) stack.resize(slots);
}

Frame fresh_frame(std::uint8_t index, std::uint32_t subprogram) {
  Frame frame;
  frame.subprogram = subprogram;
  Reg& r10 = frame.regs[vm::kFrameRegister];
  r10 = Reg::pointer(Type::kStack);
  r10.frame = index;
  return frame;
}

}  // namespace sluice::verifier
