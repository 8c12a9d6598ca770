#include "verifier/call.h"

#include <algorithm>

#include <fmt/format.h>

#include "verifier/access.h"
#include "verifier/arguments.h"
#include "verifier/transfer.h"
#include "vm/maps/map.h"

namespace sluice::verifier {
namespace {

using vm::ArgKind;
using vm::HelperDesc;

constexpr std::int32_t kMapLookup = 1;    // map_lookup_elem
constexpr std::int64_t kMaxErrno = 4095;  // MAX_ERRNO, linux/err.h

// Whether a number given as such an argument decides anything: a size, or null for an address.
bool decides(ArgKind kind) { return kind != ArgKind::kNone && kind != ArgKind::kAnything && kind != ArgKind::kScalar; }

// A look-up in an array at a constant index below its size finds an element: nobody can delete one. Of inner maps only
// an ARRAY without BPF_F_INNER_MAP always has the size of the one it stands for.
bool always_finds(Context& context, const State& state, const HelperDesc& helper, std::int32_t number) {
  const vm::Map* const map = context.map(number);
  if (helper.id != kMapLookup || map == nullptr) return false;
  const vm::MapSpec& spec = map->spec();
  if (spec.type != vm::MapType::kArray && spec.type != vm::MapType::kPercpuArray) return false;
  const bool fixed_size =
      context.program_map(number) >= 0 || (spec.type == vm::MapType::kArray && (spec.flags & vm::kMapInner) == 0);
  if (!fixed_size) return false;
  const auto index = constant_behind(context, state, state.reg(2), spec.key_size);
  if (!index || index->value.constant_value() >= spec.max_entries) return false;
  context.demand(*index);
  return true;
}

// What engines need not read: the index of a tail call or an array, the prefix length of an LPM trie's key; -1 = it may
// differ. `map` is the program's own.
std::int64_t constant_key(Context& context, const State& state, const HelperDesc& helper, const vm::Map& map) {
  const vm::MapType type = map.spec().type;
  std::optional<Reg> key;
  if (helper.effect == vm::Effect::kTailCall) {
    key = state.reg(3);
  } else if (helper.id == kMapLookup &&
             (type == vm::MapType::kArray || type == vm::MapType::kPercpuArray || type == vm::MapType::kLpmTrie)) {
    key = constant_behind(context, state, state.reg(2), sizeof(std::uint32_t));
  }
  if (!key || !key->is_scalar() || !key->value.is_constant()) return -1;
  context.demand(*key);
  return static_cast<std::uint32_t>(key->value.constant_value());
}

// A socket, or memory of as many bytes as the kAllocSize argument says; from now on to be given back.
Reg handed_out(Context& context, State& state, const HelperDesc& helper) {
  Reg result = Reg::pointer(helper.ret == vm::RetKind::kRecordOrNull   ? Type::kRecordOrNull
                            : helper.ret == vm::RetKind::kSocketOrNull ? Type::kSocketOrNull
                                                                       : Type::kSocketCommonOrNull);
  result.id = context.new_id();
  for (unsigned i = 0; i < helper.args.size(); ++i) {
    const Reg& size = state.reg(i + 1);
    if (helper.args[i] != ArgKind::kAllocSize || !size.is_scalar()) continue;
    result.range = static_cast<std::int32_t>(std::min<std::uint64_t>(size.value.umin(), INT32_MAX));
  }
  state.references.push_back({result.id, state.slot, without_null(result.type)});
  return result;
}

// Takes, gives back: what the call does to what the program holds.
void settle_held(State& state, const HelperDesc& helper) {
  for (unsigned i = 0; i < helper.args.size(); ++i) {
    const Reg reg = state.reg(i + 1);
    const bool fits = helper.args[i] == ArgKind::kRecord ? reg.type == Type::kRecord
                                                         : helper.args[i] == ArgKind::kSocket && is_socket(reg.type);
    if (helper.effect == vm::Effect::kRelease && fits) state.give_back(reg.id);
    if (helper.args[i] != ArgKind::kSpinLock) continue;
    state.lock = helper.effect == vm::Effect::kLock ? HeldLock{reg.map, reg.id, state.slot} : HeldLock{};
  }
}

Reg result_of(Context& context, const HelperDesc& helper, std::int32_t map, bool never_null) {
  switch (helper.ret) {
    case vm::RetKind::kScalar:
    case vm::RetKind::kRecordOrNull:
    case vm::RetKind::kSocketOrNull:
    case vm::RetKind::kSocketCommonOrNull: break;
    case vm::RetKind::kNothing: return Reg::nothing();
    case vm::RetKind::kError:
      return context.options.as_linux ? Reg::unknown() : Reg::fresh(Scalar::signed_range(-kMaxErrno, 0));
    case vm::RetKind::kMapValueOrNull: {
      if (map < 0) break;
      Reg result = Reg::pointer(never_null ? Type::kMapValue : Type::kMapValueOrNull);
      result.map = map;
      if (!never_null || context.map(map)->spec().special.lock >= 0) result.id = context.new_id();
      return result;
    }
  }
  return Reg::unknown();
}

// Bytes the memory argument in register `number` has at most.
std::int64_t memory_size(const State& state, const HelperDesc& helper, unsigned number, const vm::Map* map) {
  const ArgKind kind = helper.args[number - 1];
  if (takes_size(kind) && number < 5) {
    const Reg& size = state.reg(number + 1);
    return size.is_scalar() ? static_cast<std::int64_t>(std::min<std::uint64_t>(size.value.umax(), vm::kStackBytes))
                            : 0;
  }
  if (kind == ArgKind::kFixedMem || kind == ArgKind::kFixedMemInOut) return helper.fixed_size[number - 1];
  if (map == nullptr) return 0;
  if (kind == ArgKind::kMapKey) return map->spec().key_size;
  return kind == ArgKind::kMapValue || kind == ArgKind::kMapValueOut ? map->spec().value_size : 0;
}

// The arguments of a callback that is frame number `number`: the map, and key and value of one of its elements.
void set_element(Context& context, std::int32_t map, std::size_t number, Frame& frame) {
  frame.regs[1] = Reg::pointer(Type::kMap);
  frame.regs[2] = Reg::pointer(Type::kMapKey);
  frame.regs[3] = Reg::pointer(Type::kMapValue);
  for (unsigned r = 1; r <= 3; ++r) frame.regs[r].map = map;
  frame.regs[2].frame = static_cast<std::uint8_t>(number);
  if (context.map(map)->spec().special.lock >= 0) frame.regs[3].id = context.new_id();
}

// One more function may run.
Check check_depth(const Context& context, const State& state, std::uint32_t slot) {
  if (state.frames.size() < vm::kMaxCallFrames || !context.enforced(Rule::kCallDepth)) return {};
  return failure(Rule::kCallDepth, slot, -1, fmt::format("more than {} frames", vm::kMaxCallFrames),
                 {{"why", "every sub-program that is running takes a frame"}});
}

}  // namespace

void invalidate_packets(State& state) {
  for (Frame& frame : state.frames) {
    for (Reg& reg : frame.regs) {
      if (!reg.is_packet() && reg.type != Type::kPacketEnd) continue;
      // Compilers move sums and differences of packet pointers across such calls: they may be read, as in Linux.
      reg = Reg::void_pointer(Type::kPacket);
    }
    for (Slot& slot : frame.stack) {
      if (!slot.holds_pointer()) continue;
      if (slot.spill.is_packet() || slot.spill.type == Type::kPacketEnd) slot.spill = Reg::void_pointer(Type::kPacket);
    }
  }
}

void forget_arguments(State& state) {
  for (unsigned r = 0; r <= 5; ++r) state.reg(r) = Reg::nothing();
}

Check check_helper_call(const Context& context, const State& state, std::uint32_t slot) {
  const std::int32_t id = context.insn(slot).imm;
  const HelperDesc* helper = context.helpers.find(id);
  if (helper == nullptr) {
    if (!context.enforced(Rule::kHelperKnown)) return {};
    const auto missing = std::ranges::find(context.program.unresolved, slot, &vm::UnresolvedAccess::insn);
    if (missing != context.program.unresolved.end()) {
      return failure(Rule::kHelperKnown, slot, -1,
                     fmt::format("needs the {}, which is not among the types at hand (program \"{}\", section \"{}\")",
                                 missing->what, context.program.name, context.program.section),
                     {{"fix",
                       "guard the access by bpf_core_field_exists, _type_exists or _enum_value_exists, or name a "
                       "file with the types (--btf)"}});
    }
    const std::string_view name = vm::kernel_helper_name(id);
    return failure(Rule::kHelperKnown, slot, -1,
                   name.empty() ? fmt::format("there is no helper {}", id)
                                : fmt::format("helper {} ({}) is not available", name, id));
  }
  const auto forbidden = context.program.type->forbidden_helpers;
  if (std::ranges::find(forbidden, id) != forbidden.end() && context.enforced(Rule::kHelperAllowed)) {
    return failure(Rule::kHelperAllowed, slot, -1,
                   fmt::format("programs of type {} may not call {}", context.program.type->name, helper->name));
  }
  if (state.lock.map >= 0 && helper->effect != vm::Effect::kUnlock && context.enforced(Rule::kLockCall)) {
    return failure(Rule::kLockCall, slot, -1, fmt::format("{} is called while a lock is held", helper->name),
                   {{"why", fmt::format("the lock was taken at {}", place(context.program, state.lock.slot))},
                    {"fix", "call it before bpf_spin_lock or after bpf_spin_unlock"}});
  }
  if (vm::hands_out(helper->ret) && state.references.size() >= context.options.limits.references) {
    return Failure{
        .code = "reference-leak",
        .insn = slot,
        .message = fmt::format("more than {} records and sockets are held at once", context.options.limits.references),
        .notes = {{"why", "each that is held makes every state that is kept larger"},
                  {"fix", "submit or discard a record, release a socket before the next is taken"}}};
  }
  if (Check failed = check_arguments(context, state, slot, *helper)) return failed;
  if (helper->effect == vm::Effect::kCallback) return check_depth(context, state, slot);
  if (helper->effect != vm::Effect::kTailCall) return {};
  const bool in_callback = std::ranges::any_of(state.frames, &Frame::is_callback);
  if (in_callback && context.enforced(Rule::kCallbackTailCall)) {
    return failure(Rule::kCallbackTailCall, slot, -1, "a tail call in a function that a helper called back");
  }
  return check_nothing_held(context, state, slot, "the tail call leaves the program");
}

Check check_nothing_held(const Context& context, const State& state, std::uint32_t slot, std::string_view ending) {
  if (state.lock.map >= 0 && context.enforced(Rule::kLockLeft)) {
    return failure(Rule::kLockLeft, slot, -1, fmt::format("{} with a lock held", ending),
                   {{"why", fmt::format("it was taken at {}", place(context.program, state.lock.slot))},
                    {"fix", "call bpf_spin_unlock on every path"}});
  }
  if (!state.references.empty() && context.enforced(Rule::kReferenceLeft)) {
    const Reference& first = state.references.front();
    const bool socket = is_socket(first.type);
    return failure(
        Rule::kReferenceLeft, slot, -1,
        fmt::format("{} with {} that was not {}", ending, describe(first.type), socket ? "released" : "given back"),
        {{"why", fmt::format("it was {} at {}", socket ? "looked up" : "reserved", place(context.program, first.slot))},
         {"fix", socket ? "call bpf_sk_release on every path on which it is not null"
                        : "submit or discard it on every path"}});
  }
  return {};
}

Check check_local_call(const Context& context, const State& state, std::uint32_t slot) {
  const bool global = context.cfg.subprograms[context.cfg.callee(context.program, slot)].is_global;
  if (global && state.lock.map >= 0 && context.enforced(Rule::kLockCall)) {
    return failure(Rule::kLockCall, slot, -1, "a global function is called while a lock is held",
                   {{"why", fmt::format("the lock was taken at {}", place(context.program, state.lock.slot))},
                    {"fix", "make the function static, or call it after bpf_spin_unlock"}});
  }
  return check_depth(context, state, slot);
}

void call_helper(Context& context, State& state) {
  const HelperDesc* helper = context.helpers.find(context.insn(state.slot).imm);
  if (helper == nullptr) {
    forget_arguments(state);
    state.reg(0) = Reg::unknown();
    return;
  }
  std::int32_t index = -1;
  const vm::Map* map = map_argument(context, state, *helper, index);
  const bool never_null = always_finds(context, state, *helper, index);
  for (unsigned number = 1; number <= 5; ++number) {
    const Reg reg = state.reg(number);
    const ArgKind kind = helper->args[number - 1];
    if (decides(kind)) context.demand(reg);
    const ArgKind use = use_of(kind, map);
    helper_memory(context, state, reg, memory_size(state, *helper, number, map), !vm::is_only_written(use),
                  vm::is_written(use));
  }
  vm::Facts& facts = context.recorder.facts;
  const std::int32_t known = context.program_map(index);
  context.recorder.map_argument(state.slot, known);
  if (helper->effect == vm::Effect::kTailCall) {
    facts.makes_tail_calls = true;
    if (known >= 0) facts.tail_call_maps.push_back(static_cast<std::uint32_t>(known));
  }
  const bool own = known >= 0;
  context.recorder.key(state.slot, own ? constant_key(context, state, *helper, *context.map(index)) : -1);
  state.top().activation = state.top().rounds = 0;
  if (helper->effect == vm::Effect::kMovesPacket) {
    facts.moves_packet = true;
    invalidate_packets(state);
  }
  settle_held(state, *helper);
  const bool hands_out = vm::hands_out(helper->ret);
  const Reg result = hands_out ? handed_out(context, state, *helper) : Reg::nothing();
  forget_arguments(state);
  // A tail call that comes back says nothing of why.
  if (helper->effect == vm::Effect::kTailCall) return;
  state.reg(0) = hands_out ? result : result_of(context, *helper, index, never_null);
}

void enter_subprogram(const Context& context, State& state) {
  const std::uint32_t site = state.slot;
  const std::uint32_t callee = context.cfg.callee(context.program, site);
  Frame frame = fresh_frame(static_cast<std::uint8_t>(state.frames.size()), callee);
  frame.call_site = site;
  for (unsigned r = 1; r <= 5; ++r) frame.regs[r] = state.reg(r);
  forget_arguments(state);
  state.frames.push_back(std::move(frame));
  state.slot = context.cfg.subprograms[callee].start;
}

bool calls_back(const Context& context, std::uint32_t slot) {
  if (context.row(slot).kind != vm::Kind::kCallHelper) return false;
  const HelperDesc* helper = context.helpers.find(context.insn(slot).imm);
  return helper != nullptr && helper->effect == vm::Effect::kCallback;
}

bool enter_callback(Context& context, State& state) {
  const std::uint32_t site = state.slot;
  const HelperDesc* helper = context.helpers.find(context.insn(site).imm);
  const Reg first = state.reg(1);
  const Reg function = state.reg(2);
  context.demand(first);
  context.demand(state.reg(3));
  // Only a test that switched a demand off comes here without a function.
  if (function.type != Type::kFunction || state.frames.size() >= vm::kMaxCallFrames) return false;
  const bool loop = helper->callback == vm::CallbackKind::kLoop;
  if (loop && first.is_scalar() && state.top().rounds >= first.value.umax()) return false;
  if (!loop && map_of(context, first) == nullptr) return false;
  const auto callee = static_cast<std::uint32_t>(function.map);
  context.called_back[callee] = 1;
  Frame frame = fresh_frame(static_cast<std::uint8_t>(state.frames.size()), callee);
  frame.call_site = site;
  frame.is_callback = true;
  if (loop) {
    frame.regs[1] = Reg::unknown();
    frame.regs[2] = state.reg(3);
  } else {
    set_element(context, first.map, state.frames.size(), frame);
    frame.regs[1] = first;
    frame.regs[4] = state.reg(3);
  }
  state.frames.push_back(std::move(frame));
  state.slot = context.cfg.subprograms[callee].start;
  return true;
}

void leave_callback(Context& context, State& state) {
  context.demand(state.reg(0));
  state.slot = state.top().call_site;
  state.frames.pop_back();
  ++state.top().rounds;
  // A key is lent for the round: that of an array lies in a variable of the helper's.
  for (Frame& frame : state.frames) {
    for (Slot& slot : frame.stack) {
      const bool lent = slot.holds_pointer() && slot.spill.type == Type::kMapKey;
      if (lent && slot.spill.frame == state.frames.size()) slot.spill = Reg::void_pointer(Type::kMapKey);
    }
  }
}

std::optional<LaterCall> later_call(Context& context, const State& state) {
  const HelperDesc* const helper = context.helpers.find(context.insn(state.slot).imm);
  if (helper == nullptr || helper->effect != vm::Effect::kSetCallback) return std::nullopt;
  std::optional<LaterCall> later;
  for (unsigned i = 0; i < helper->args.size(); ++i) {
    // Only a test that switched a demand off comes here without a timer and a function.
    const Reg& reg = state.reg(i + 1);
    if (helper->args[i] == ArgKind::kTimer) {
      if (reg.type != Type::kMapValue || context.program_map(reg.map) < 0) return std::nullopt;
      later = LaterCall{.map = reg.map};
    } else if (helper->args[i] == ArgKind::kCallback && later) {
      if (reg.type != Type::kFunction) return std::nullopt;
      later->subprogram = static_cast<std::uint32_t>(reg.map);
    }
  }
  if (later) context.called_later[later->subprogram] = 1;
  return later;
}

State later_state(Context& context, const LaterCall& later) {
  State state;
  Frame frame = fresh_frame(0, later.subprogram);
  frame.is_callback = true;
  set_element(context, later.map, 0, frame);
  state.frames.push_back(std::move(frame));
  state.slot = context.cfg.subprograms[later.subprogram].start;
  return state;
}

bool is_tail_call(const Context& context, std::uint32_t slot) {
  const HelperDesc* helper = context.helpers.find(context.insn(slot).imm);
  return helper != nullptr && helper->effect == vm::Effect::kTailCall;
}

void leave_by_tail_call(Context& context, State& state) {
  context.recorder.facts.moves_packet = true;
  invalidate_packets(state);
  state.reg(0) = Reg::unknown();
  leave_subprogram(state);
}

void leave_subprogram(State& state) {
  Reg result = state.reg(0);
  // Only a test that switched the demand off gets here with a pointer into the frame that ends.
  if (result.type == Type::kStack && result.frame + 1U == state.frames.size()) result = Reg::unknown();
  const std::uint32_t site = state.top().call_site;
  state.frames.pop_back();
  state.reg(0) = result;
  state.slot = site + 1;
}

}  // namespace sluice::verifier
