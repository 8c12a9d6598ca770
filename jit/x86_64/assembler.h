#pragma once
// Xbyak plus what the emitter needs of its own: jumps between instruction slots that are patched at the end, near calls
// and addresses that know where the code will stand, short jumps inside one instruction's code. Writes into ordinary
// memory, never executable. Throws Xbyak::Error; jit/compile.cc catches it. One thread.
#include <cstdint>
#include <vector>

#include <xbyak/xbyak.h>

#include "jit/x86_64/regs.h"

namespace sluice::jit::x86_64 {

// Condition codes as they stand in the low four bits of jcc, Intel SDM vol. 2 appendix B.
enum class Flag : std::uint8_t {
  kBelow = 2,
  kAboveEqual = 3,
  kEqual = 4,
  kNotEqual = 5,
  kBelowEqual = 6,
  kAbove = 7,
  kSign = 8,
  kLess = 12,
  kGreaterEqual = 13,
  kLessEqual = 14,
  kGreater = 15,
};

// Where the code will stand.
struct Placement {
  bool known = false;      // false: the longest forms are used, so that a second pass only shrinks
  std::uint64_t base = 0;  // address of the first byte
};

// Heap memory that Xbyak neither executes nor protects.
class PlainAllocator final : public Xbyak::Allocator {
 public:
  bool useProtect() const override { return false; }
};

class Assembler : public Xbyak::CodeGenerator {
 public:
  Assembler(PlainAllocator& allocator, Placement placement);

  // --- jumps between slots ---
  // `short_form` promises that the target is at most 127 bytes away.
  void jump_to(std::uint32_t slot, bool short_form);
  void jump_to(Flag flag, std::uint32_t slot, bool short_form);
  void call_function(std::uint32_t slot);
  // The address of what call_function would call.
  void load_function(const Reg64& reg, std::uint32_t slot);
  // Fills in all of the above; `offsets[slot]` is where to go.
  void patch_jumps(const std::vector<std::uint32_t>& offsets);

  // --- short jumps ahead within the code of one instruction ---
  struct Ahead {
    std::size_t end = 0;  // offset of the byte after the jump
  };
  Ahead jump_ahead();
  Ahead jump_ahead(Flag flag);
  void land(Ahead jump);
  // A short jump back to an offset.
  void jump_back(Flag flag, std::size_t offset);

  // --- addresses ---
  void load_address(const Reg64& reg, std::uint64_t address);
  void call_address(std::uint64_t address);  // may change r11

 private:
  // Distance from the byte after an instruction of `length` bytes that starts here; false when out of reach.
  [[nodiscard]] bool near(std::uint64_t address, unsigned length, std::int32_t& distance) const;

  struct Jump {
    std::size_t end;  // offset of the byte after the jump
    std::uint32_t slot;
    std::uint8_t bytes;  // of the displacement: 1 or 4
  };
  Placement placement_;
  std::vector<Jump> jumps_;
};

}  // namespace sluice::jit::x86_64
