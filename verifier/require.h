#pragma once
// What an instruction demands of the state before it: one row a rule, so that tests can switch off any of them and see
// another test fail. `check` looks and never changes; what an instruction does is transfer's. Internal to the verifier.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "verifier/verifier.h"

namespace sluice::verifier {

struct Context;
struct State;

// Index of a row in requirements().
enum class Rule : std::uint8_t {
  kKnownInsn,
  kRegisterNumber,
  kImm64Pair,
  kImm64Kind,
  kMapIndex,
  kMapValueOffset,
  kJumpTarget,
  kCallTarget,
  kSubprogramEnd,
  kReachable,
  kRecursion,
  kCallDepth,
  kStackDepth,
  kTailCallStack,
  kLegacyLoad,
  kKernelFunction,
  kShiftAmount,
  kDivisor,
  kFramePointer,
  kRegisterInit,
  kPointerNarrow,
  kPointerOperator,
  kPointerKind,
  kPointerNull,
  kPointerOffset,
  kAddressPointer,
  kAddressNull,
  kContextOffset,
  kContextField,
  kContextSize,
  kContextWrite,
  kContextMixed,
  kPacketSign,
  kPacketBounds,
  kMetaBounds,
  kStackBounds,
  kStackAlign,
  kStackVariable,
  kMapBounds,
  kMapWrite,
  kMapRead,
  kMemoryBounds,
  kRecordBounds,
  kSpecialField,
  kXdpSocketField,
  kSocketWrite,
  kSocketField,
  kSocketMixed,
  kPointerLeak,
  kSpillSize,
  kStackEscape,
  kAtomicTarget,
  kAtomicAlign,
  kAtomicOperand,
  kHelperKnown,
  kHelperAllowed,
  kArgInit,
  kArgScalar,
  kArgContext,
  kArgMap,
  kArgMapType,
  kArgMemory,
  kArgMapUse,
  kArgCallback,
  kArgCallbackContext,
  kSizeSign,
  kSizeLimit,
  kSizeZero,
  kArgLock,
  kArgTimer,
  kTimerMap,
  kArgAllocSize,
  kArgRecord,
  kArgSocket,
  kArgAlign,
  kArgString,
  kArgFormat,
  kLockOwner,
  kLockCall,
  kLockLeft,
  kReferenceLeft,
  kReturnInit,
  kReturnScalar,
  kReturnStack,
  kCallbackReturn,
  kTimerReturn,
  kCallbackStatic,
  kCallbackTailCall,
  kMapKeyBounds,
  kMapKeyWrite,
  kBoundedLoop,
  kCount
};

struct Requirement {
  std::string_view name;    // unique, kebab-case
  std::string_view code;    // the code a refusal by this row carries; several rows may share one
  std::string_view demand;  // what must hold, one line
};
// All rows; row i is Rule{i}.
std::span<const Requirement> requirements() noexcept;

// The rules in force: all of them, but where a test leaves one out to see whom it stops.
class RuleSet {
 public:
  constexpr RuleSet() = default;
  [[nodiscard]] static constexpr RuleSet without(Rule rule) noexcept {
    RuleSet rules;
    rules.left_out_ = rule;
    return rules;
  }
  [[nodiscard]] constexpr bool has(Rule rule) const noexcept { return rule != left_out_; }

 private:
  Rule left_out_ = Rule::kCount;  // kCount = none
};

// Why a program is refused, before it is put into the author's terms (report).
struct Failure {
  std::string_view code;
  Rule rule = Rule::kCount;  // kCount: none, a limit was met
  std::uint32_t insn = 0;
  int reg = -1;
  std::string message;
  std::vector<Rejection::Note> notes;
};
using Check = std::optional<Failure>;  // empty = all demands hold

Failure failure(Rule rule, std::uint32_t insn, int reg, std::string message, std::vector<Rejection::Note> notes = {});

// All that the instruction at `slot` demands of `state`.
Check check(const Context& context, const State& state, std::uint32_t slot);

}  // namespace sluice::verifier
