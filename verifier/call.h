#pragma once
// Calls: what helpers and sub-programs demand of their arguments and what they leave behind. Internal to the verifier.
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "verifier/context.h"

namespace sluice::verifier {

Check check_helper_call(const Context& context, const State& state, std::uint32_t slot);
// Nothing is held that must be given back before `ending`, such as "the program ends".
Check check_nothing_held(const Context& context, const State& state, std::uint32_t slot, std::string_view ending);
Check check_local_call(const Context& context, const State& state, std::uint32_t slot);

// The helper call at state.slot; moves on to the next slot.
void call_helper(Context& context, State& state);
// Enters the sub-program called at state.slot: a new frame, its first slot.
void enter_subprogram(const Context& context, State& state);
// Whether the instruction at `slot` calls a helper that calls back.
bool calls_back(const Context& context, std::uint32_t slot);
// Packet pointers, and what was proven of them, are void from here on.
void invalidate_packets(State& state);
// r1 to r5 are nobody's after a call.
void forget_arguments(State& state);
// One more round of that helper: enters the function it calls. False: it would not call it (again).
bool enter_callback(Context& context, State& state);
// The function called back returns: to the call of the helper, which may begin another round or end.
void leave_callback(Context& context, State& state);
// What a timer calls once the program has ended: a walk of its own.
struct LaterCall {
  std::uint32_t subprogram = 0;  // index into Cfg::subprograms
  std::int32_t map = -1;         // of the timer, Context::map
  friend auto operator<=>(const LaterCall&, const LaterCall&) = default;
};
// The one that the helper call at state.slot asks for, if it does. Marks the function as called later.
std::optional<LaterCall> later_call(Context& context, const State& state);
// The state in which it begins.
State later_state(Context& context, const LaterCall& later);
// Whether the helper call at `slot` is a tail call.
bool is_tail_call(const Context& context, std::uint32_t slot);
// Leaves the top frame (there are at least two) by a tail call at state.slot that succeeds: the program called returns
// to this frame's caller, any number in r0, and may have moved the packet.
void leave_by_tail_call(Context& context, State& state);
// Leaves the top frame (there are at least two) for the slot after the call.
void leave_subprogram(State& state);

}  // namespace sluice::verifier
