#pragma once
// The shape of a program before anything is executed: known instructions, sub-programs, jumps that stay inside them, no
// unreachable code, no recursion, the stack that call chains need. Internal to the verifier.
#include <cstdint>
#include <vector>

#include "verifier/require.h"
#include "vm/program.h"

namespace sluice::verifier {

struct Cfg {
  std::vector<const vm::InsnRow*> rows;      // one a slot; null for the second slot of an lddw
  std::vector<vm::Subprogram> subprograms;   // those of the program and those that calls show, ascending by start
  std::vector<std::uint32_t> owner;          // one a slot: index into subprograms
  std::vector<std::uint8_t> is_target;       // one a slot: 1 = some jump goes there
  std::vector<std::uint8_t> is_loop_head;    // one a slot: 1 = a jump from below or itself goes there
  std::vector<std::uint32_t> callees_first;  // sub-programs so that what local calls enter comes before its callers
  // One a sub-program.
  struct Traits {
    std::vector<std::uint32_t> calls;  // slots of its local calls, and where it takes a function's address
    bool moves_packet = false;         // it or something it calls may move the packet, be it by a tail call
    bool makes_tail_calls = false;     // it itself
  };
  std::vector<Traits> traits;

  [[nodiscard]] std::uint32_t end_of(std::uint32_t subprogram) const noexcept {
    return subprogram + 1 < subprograms.size() ? subprograms[subprogram + 1].start
                                               : static_cast<std::uint32_t>(rows.size());
  }
  // Sub-program that the instruction at `slot` names, see names_function.
  [[nodiscard]] std::uint32_t callee(const vm::LoadedProgram& program, std::uint32_t slot) const noexcept;
};

// A local call, or an lddw of the address of a function: it may be called from here.
inline bool names_function(const vm::InsnRow& row, const vm::Insn& insn) {
  return row.kind == vm::Kind::kCallLocal ||
         (row.kind == vm::Kind::kLoadImm64 && static_cast<vm::Imm64>(insn.src) == vm::Imm64::kCode);
}

// Calls f(next slot) for what may run after `slot` inside its sub-program (a local call returns to the next slot).
template <typename F>
void for_each_successor(const vm::InsnRow& row, const vm::Insn& insn, std::uint32_t slot, F&& f) {
  const std::uint32_t next = slot + vm::slots(row);
  if (row.kind == vm::Kind::kExit) return;
  if (row.kind == vm::Kind::kGoto || row.kind == vm::Kind::kBranch) {
    f(static_cast<std::uint32_t>(static_cast<std::int64_t>(next) + vm::jump_distance(row, insn)));
    if (row.kind == vm::Kind::kGoto) return;
  }
  f(next);
}

Check build_cfg(const vm::LoadedProgram& program, const vm::HelperTable& helpers, RuleSet rules, Cfg& cfg);

// How the walk saw the sub-programs entered whose address is taken, one each: 1 = by a helper that calls back, by a
// timer.
struct Called {
  const std::vector<std::uint8_t>& back;
  const std::vector<std::uint8_t>& later;
};
// After the walk: the bytes of stack each sub-program uses (multiples of 8) against what chains may use. What a timer
// calls begins a chain of its own. `deepest` gets the bytes of the deepest chain.
Check check_stack_depth(const vm::LoadedProgram& program, RuleSet rules, const Cfg& cfg,
                        const std::vector<std::uint32_t>& frame_bytes, const Called& called, std::uint32_t& deepest);

}  // namespace sluice::verifier
