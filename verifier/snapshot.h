#pragma once
// A state kept for pruning: only what of it may still be read, packed, since a program may need thousands of them and
// fresh memory costs more than comparing. Values; internal to the verifier.
#include <array>
#include <cstdint>
#include <vector>

#include "verifier/context.h"

namespace sluice::verifier {

// Which numbers count when states are compared.
enum class Containment : std::uint8_t {
  kPrecise,    // those that decided something on the paths from the older state, see Node in explore.cc
  kMayMatter,  // those that might decide something, as a pass over the program tells
  kExact,      // all, of dead registers too
};

// What may be read of frame `frame` when instruction `slot` of the top one is next; `above`: the call site of the frame
// above it, unused for the top.
const Live& live_in(const Context& context, std::uint32_t slot, bool top, std::uint32_t above);

// A slot that nobody wrote.
const Slot& unwritten_slot();

class Snapshot {
 public:
  // Keeps all for kExact, else what is live.
  Snapshot(const Context& context, const State& state, Containment how);

  [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }
  [[nodiscard]] const HeldLock& lock() const noexcept { return lock_; }
  [[nodiscard]] const std::vector<Reference>& references() const noexcept { return references_; }
  [[nodiscard]] std::size_t frames() const noexcept { return parts_.size(); }
  [[nodiscard]] std::uint32_t call_site(std::size_t frame) const noexcept { return parts_[frame].call_site; }
  // Stack slots from `depth` on are unwritten.
  [[nodiscard]] std::size_t depth(std::size_t frame) const noexcept;
  // Only of registers that are kept.
  [[nodiscard]] const Reg& reg(std::size_t frame, unsigned number) const noexcept;
  // Of slots that are not kept: an unwritten one.
  [[nodiscard]] const Slot& stack(std::size_t frame, std::size_t number) const noexcept;

 private:
  struct Part {
    std::uint32_t call_site = 0;
    std::uint32_t first_reg = 0, first_slot = 0;            // in regs_, slots_
    std::uint64_t slots = 0;                                // bit i: kept
    std::array<std::uint8_t, vm::kFrameRegister> reg_at{};  // from first_reg on; of those kept
  };
  std::uint32_t slot_;
  std::vector<Part> parts_;
  std::vector<Reg> regs_;
  std::vector<Slot> slots_;
  std::vector<Reference> references_;
  HeldLock lock_;
};

// The same view of a whole state.
class WholeState {
 public:
  explicit WholeState(const State& state) : state_(state) {}

  [[nodiscard]] std::uint32_t slot() const noexcept { return state_.slot; }
  [[nodiscard]] const HeldLock& lock() const noexcept { return state_.lock; }
  [[nodiscard]] const std::vector<Reference>& references() const noexcept { return state_.references; }
  [[nodiscard]] std::size_t frames() const noexcept { return state_.frames.size(); }
  [[nodiscard]] std::uint32_t call_site(std::size_t frame) const noexcept { return state_.frames[frame].call_site; }
  [[nodiscard]] std::size_t depth(std::size_t frame) const noexcept { return state_.frames[frame].stack.size(); }
  [[nodiscard]] const Reg& reg(std::size_t frame, unsigned number) const noexcept {
    return state_.frames[frame].regs[number];
  }
  [[nodiscard]] const Slot& stack(std::size_t frame, std::size_t number) const noexcept {
    return number < depth(frame) ? state_.frames[frame].stack[number] : unwritten_slot();
  }

 private:
  const State& state_;
};

// What may still be read of frame `i` of either.
template <typename View>
const Live& live_in(const Context& context, const View& view, std::size_t i) {
  const bool top = i + 1 == view.frames();
  return live_in(context, view.slot(), top, top ? 0 : view.call_site(i + 1));
}

}  // namespace sluice::verifier
