#pragma once
// The reference engine: runs the untouched instructions of a verified program, RFC 9669 word for word. Everything
// faster is compared with it. Any thread; one program run touches only its context, its environment and its maps.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vm/exec_env.h"
#include "vm/helper_desc.h"
#include "vm/program.h"
#include "vm/xdp.h"

namespace sluice::vm {

class StepObserver;

// Memory handed to a program of type `memory`.
struct MemoryContext {
  std::byte* data = nullptr;
  std::uint64_t size = 0;  // bytes
};

// Something a verified program must never do; seeing one is a bug in the verifier (or the program was not verified).
struct Fault {
  std::string program;
  std::uint32_t insn = 0;
  std::string what;  // "8-byte write outside everything the program owns, r1=0x..."
};

struct RunResult {
  std::uint64_t r0 = 0;
  std::uint64_t insns = 0;     // instructions executed over all tail-called programs
  std::optional<Fault> fault;  // only in checked mode; r0 is then 0
};

// How often a conditional jump jumped and how often it went on.
struct BranchCount {
  std::uint64_t taken = 0, not_taken = 0;
};

struct InterpreterOptions {
  bool checked = false;                // bounds-check every access, compare with Facts, no limit but `max_insns`
  std::uint64_t max_insns = 1U << 28;  // checked mode stops there with a Fault: a verified program terminates
  // Checked mode only: sees every step (vm/step_observer.h) when not null.
  StepObserver* steps = nullptr;
  // Counts executions per slot of the entry program when not null (size = its slots): coverage.
  std::vector<std::uint64_t>* coverage = nullptr;
  // Likewise for conditional jumps, one per slot.
  std::vector<BranchCount>* branches = nullptr;
};

// Runs on one frame. Sets env.frame. The verdict is raw: r0's low 32 bits.
RunResult interpret(const VerifiedProgram& program, XdpContext& frame, ExecEnv& env, const HelperTable& helpers,
                    const InterpreterOptions& options = {});
RunResult interpret(const VerifiedProgram& program, MemoryContext memory, ExecEnv& env, const HelperTable& helpers,
                    const InterpreterOptions& options = {});

// Runs a function of the program that a timer calls, at its slot, with the map, the key and the value; there is no
// frame.
RunResult interpret_callback(const VerifiedProgram& program, std::uint32_t slot,
                             const std::array<std::uint64_t, 3>& arguments, ExecEnv& env, const HelperTable& helpers,
                             const InterpreterOptions& options = {});

}  // namespace sluice::vm
