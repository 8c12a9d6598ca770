#include "verifier/state.h"

#include <algorithm>

namespace sluice::verifier {

bool Slot::has_invalid() const noexcept { return std::ranges::find(bytes, Byte::kInvalid) != bytes.end(); }

bool Slot::is_zero(std::size_t byte) const noexcept {
  return bytes[byte] == Byte::kZero || (bytes[byte] == Byte::kSpill && spill.is_null());
}

bool Slot::holds_number() const noexcept {
  return !holds_pointer() && std::ranges::any_of(bytes, [](Byte b) { return b == Byte::kZero || b == Byte::kSpill; });
}

void Slot::forget_spill() noexcept { std::ranges::replace(bytes, Byte::kSpill, Byte::kMisc); }

void Frame::reserve(std::int64_t offset) {
  const auto slots = static_cast<std::size_t>((-offset + 7) / 8);
  if (stack.size() < slots) stack.resize(slots);
}

void State::give_back(std::uint32_t id) {
  const auto void_of = [](Type type) { return Reg::void_pointer(is_socket(type) ? Type::kSocket : type); };
  std::erase_if(references, [id](const Reference& one) { return one.id == id; });
  for (Frame& frame : frames) {
    for (Reg& reg : frame.regs) {
      if (is_handed_out(reg.type) && reg.id == id) reg = void_of(reg.type);
    }
    for (Slot& slot : frame.stack) {
      const bool it_is = slot.holds_pointer() && is_handed_out(slot.spill.type) && slot.spill.id == id;
      if (it_is) slot.spill = void_of(slot.spill.type);
    }
  }
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
