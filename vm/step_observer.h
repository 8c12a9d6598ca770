#pragma once
// For tests: sees the whole machine before every instruction of a run in the interpreter's checked mode
// (InterpreterOptions::steps) and may stop it. Engines and unchecked runs know nothing of it.
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "vm/interpreter.h"
#include "vm/interpreter_checks.h"

namespace sluice::vm {

struct MachineView {
  struct Frame {
    std::array<std::uint64_t, kRegisters>
        regs;                     // of callers only r6 to r10 are theirs; r1 to r4 too where a helper calls back
    std::uint32_t call_site = 0;  // slot of the call in the frame below; unused in the outermost
  };
  const VerifiedProgram& program;
  std::uint32_t slot;             // the instruction about to run
  std::span<const Frame> frames;  // of this program's call chain, the outermost first
  const XdpContext* frame;        // null for `memory` programs
  MemoryContext memory;
  const Checker& owned;  // map values and inner maps that were handed out
};

class StepObserver {
 public:
  virtual ~StepObserver() = default;
  // Why the run must stop with a Fault; empty = it goes on.
  virtual std::string step(const MachineView& machine) = 0;
};

}  // namespace sluice::vm
