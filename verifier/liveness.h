#pragma once
// What may still matter from each instruction on, by a static pass before the walk: registers and stack slots that may
// be read, and those of them whose *number* may decide something (a branch, an address, a size). Pruning looks only at
// what is live; what may decide something tells whether a loop makes progress (docs/decisions/0008, 0010). Internal to
// the verifier.
#include <cstdint>
#include <vector>

#include "verifier/cfg.h"

namespace sluice::verifier {

struct Live {
  std::uint16_t regs = 0;           // bit r: r may be read
  std::uint16_t precise_regs = 0;   // bit r: its number may matter
  std::uint64_t slots = 0;          // bit i: the 8 bytes at r10-8*(i+1) of this frame may be read
  std::uint64_t precise_slots = 0;  // bit i: a number in them may matter

  Live& operator|=(const Live& other) noexcept {
    regs |= other.regs;
    precise_regs |= other.precise_regs;
    slots |= other.slots;
    precise_slots |= other.precise_slots;
    return *this;
  }
  friend bool operator==(const Live&, const Live&) = default;
};

struct Liveness {
  std::vector<Live> before;  // one a slot
  std::vector<Live> during;  // one a slot, of local calls: what the caller may use after or while the callee runs
};

// `cfg` has passed build_cfg.
Liveness find_liveness(const vm::LoadedProgram& program, const vm::HelperTable& helpers, const Cfg& cfg);

}  // namespace sluice::verifier
