#pragma once
// A verified program in the form machine code is made from: every instruction's row, jump target, helper, context field
// and known map found once, every sub-program's frame laid out. Serves the JITs only; the interpreter runs the
// untouched instructions. Refers to the program and the helper table, which must outlive it. Pure: any thread.
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "vm/helper_desc.h"
#include "vm/program.h"

namespace sluice::jit {

// How a load finds its bytes.
enum class Access : std::uint8_t {
  kPlain,         // at the address
  kContext,       // `field` of the native context
  kMaybeContext,  // at run time: a field when the address lies inside the program's context
};

// One slot.
struct Op {
  const vm::InsnRow* row = nullptr;        // null: the second slot of an lddw, or an instruction never reached
  bool reachable = false;                  // false: nothing to translate
  bool leader = false;                     // some jump goes here: nothing is known of registers
  Access access = Access::kPlain;          // kLoad
  std::uint32_t target = 0;                // kGoto, kBranch: slot; kCallLocal, kLoadImm64 of code: index into functions
  const vm::HelperDesc* helper = nullptr;  // kCallHelper
  const vm::ContextField* field = nullptr;  // kContext
  const vm::Map* map = nullptr;             // kCallHelper: the map argument on all paths, null when not known
  std::int64_t key = -1;                    // kCallHelper: as vm::InsnFacts::key_constant
  std::int32_t key_at = 0;  // kCallHelper of kMapLookupElem: where the key is, bytes from r10; 0 = not known
  std::uint16_t live = 0;   // bit r: register r may be read behind the instruction before it is written (find_live)
  std::uint64_t imm = 0;    // kLoadImm64: the number, address of the map or address of the value
};

// A sub-program; the first is the program itself.
struct Function {
  std::uint32_t start = 0, end = 0;  // slots
  std::uint16_t used = 0;            // bit r: BPF register r is named by some instruction
  std::uint16_t clobbers = 0;        // bits 6..9: registers that a call of it may leave changed
  std::uint16_t saved = 0;           // bits 6..9: registers it must save around its own local calls
  bool calls = false;                // calls helpers or sub-programs
  bool tail_calls = false;
  bool calls_back = false;        // calls helpers that call functions of the program
  std::uint32_t stack_bytes = 0;  // of BPF stack, a multiple of 8
  std::uint64_t clear = 0;        // 8-byte slots to clear at entry: bit 0 = r10-8
};

struct Lowered {
  const vm::LoadedProgram* program = nullptr;
  std::vector<Op> ops;  // one a slot
  std::vector<Function> functions;
  bool sets_callbacks = false;  // calls helpers of vm::Effect::kSetCallback
};

// Ids of helpers that engines implement themselves or may inline, linux/bpf.h.
constexpr std::int32_t kMapLookupElem = 1;
constexpr std::int32_t kGetSmpProcessorId = 8;
constexpr std::int32_t kTailCall = 12;

// Fails with kProgram for what no engine translates: unknown instructions and helpers, code addresses, jumps out of a
// sub-program. A verifier refuses these first.
Result<Lowered> lower(const vm::VerifiedProgram& program, const vm::HelperTable& helpers);

}  // namespace sluice::jit
