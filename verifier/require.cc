#include "verifier/require.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "verifier/access.h"
#include "verifier/call.h"
#include "verifier/transfer.h"

namespace sluice::verifier {
namespace {

using vm::AluOp;
using vm::Insn;
using vm::InsnRow;
using vm::Kind;

constexpr std::array<Requirement, static_cast<std::size_t>(Rule::kCount)> kRequirements{{
    {"known-insn", "bad-insn", "the instruction is one of RFC 9669"},
    {"register-number", "bad-insn", "registers are r0 to r10"},
    {"imm64-pair", "bad-insn", "lddw has a well-formed second slot"},
    {"imm64-kind", "bad-insn", "lddw loads a number, a map or a map value"},
    {"map-index", "bad-map", "lddw names a map the program has"},
    {"map-value-offset", "bad-map", "a direct map value lies inside the one value of an array"},
    {"jump-target", "bad-jump", "jumps stay inside their sub-program and hit instructions"},
    {"call-target", "bad-call", "local calls hit an instruction of the program"},
    {"subprogram-end", "falls-off-end", "a sub-program's last instruction is exit or a jump"},
    {"reachable", "unreachable-code", "some path leads to every instruction"},
    {"recursion", "recursion", "no sub-program calls itself"},
    {"call-depth", "call-depth", "at most 8 frames"},
    {"stack-depth", "stack-depth", "a call chain uses at most 512 bytes of stack"},
    {"tail-call-stack", "stack-depth", "tail calls of sub-programs have less than 256 bytes of stack above them"},
    {"legacy-load", "bad-insn", "no LD_ABS and LD_IND"},
    {"kernel-function", "unknown-function", "no calls of kernel functions"},
    {"shift-amount", "bad-shift", "constant shifts are smaller than the width"},
    {"divisor", "div-by-zero", "constant divisors are not 0"},
    {"frame-pointer", "frame-pointer", "r10 is never written"},
    {"register-init", "uninit-read", "a register is written before it is read"},
    {"pointer-narrow", "ptr-arithmetic", "no 32-bit arithmetic on pointers"},
    {"pointer-operator", "ptr-arithmetic", "pointers are only added to, subtracted from and compared"},
    {"pointer-kind", "ptr-arithmetic", "no arithmetic on maps, functions, sockets and data_end"},
    {"pointer-null", "null-deref", "no arithmetic on a pointer that may be null"},
    {"pointer-offset", "ptr-arithmetic", "offsets stay below 2^29"},
    {"address-pointer", "not-a-pointer", "an address is a pointer to memory"},
    {"address-null", "null-deref", "an address is not null"},
    {"context-offset", "ctx-access", "the context is used unmodified"},
    {"context-field", "ctx-access", "context reads hit a field of the program type"},
    {"context-size", "ctx-access", "context fields are read as 4 bytes"},
    {"context-write", "ctx-access", "the context is not written"},
    {"context-mixed", "ctx-access", "a load reads the context on all paths or on none"},
    {"packet-sign", "pkt-bounds", "packet offsets are not negative"},
    {"packet-bounds", "pkt-bounds", "packet accesses lie inside what compares with data_end proved"},
    {"meta-bounds", "pkt-bounds", "metadata accesses lie inside what compares with data proved"},
    {"stack-bounds", "stack-bounds", "stack accesses lie inside the frame's 512 bytes"},
    {"stack-align", "stack-align", "stack accesses are aligned to their size"},
    {"stack-variable", "ptr-spill", "pointers are stored at constant stack offsets"},
    {"map-bounds", "map-bounds", "map value accesses lie inside the value"},
    {"map-write", "map-access", "read-only maps are not written"},
    {"map-read", "map-access", "write-only maps are not read"},
    {"memory-bounds", "mem-bounds", "memory accesses lie inside the memory"},
    {"record-bounds", "mem-bounds", "accesses of a record lie inside it"},
    {"special-field", "map-access", "locks and timers in map values are touched by helpers only"},
    {"xdp-socket-field", "map-access", "of an XDP socket queue_id is read, as 4 bytes"},
    {"socket-write", "socket-access", "sockets are not written"},
    {"socket-field", "socket-access",
     "of a socket the fields of struct bpf_sock are read that it has, as wide as they are"},
    {"socket-mixed", "socket-access", "a load reads a socket on all paths or on none"},
    {"pointer-leak", "ptr-leak", "pointers are stored on the stack only"},
    {"spill-size", "ptr-spill", "pointers are stored and read back as 8 bytes"},
    {"stack-escape", "stack-escape", "stack pointers are not stored in another frame"},
    {"atomic-target", "atomic-target", "atomic operations work on stack and map values"},
    {"atomic-align", "atomic-target", "atomic operations are aligned"},
    {"atomic-operand", "ptr-leak", "operands of atomic operations are numbers"},
    {"helper-known", "unknown-helper", "the helper exists"},
    {"helper-allowed", "forbidden-helper", "the program type may call the helper"},
    {"arg-init", "uninit-read", "arguments of helpers are written before"},
    {"arg-scalar", "arg-type", "the argument is a number"},
    {"arg-context", "arg-type", "the argument is the unmodified context"},
    {"arg-map", "arg-type", "the argument is a map"},
    {"arg-map-type", "arg-map-type", "the helper works on maps of this type"},
    {"arg-memory", "arg-type", "the argument points to memory"},
    {"arg-map-use", "map-access", "read-only maps are not updated"},
    {"arg-callback", "arg-type", "the argument is the address of a function of the program"},
    {"arg-callback-context", "arg-type", "what a callback is handed is a stack address or null"},
    {"size-sign", "arg-size", "a size is not negative"},
    {"size-limit", "arg-size", "a size is below 2^29"},
    {"size-zero", "arg-size", "a size is at least 1"},
    {"arg-lock", "arg-type", "the argument is the lock in a map's value"},
    {"arg-timer", "arg-type", "the argument is the timer in a value of one of the program's maps"},
    {"timer-map", "arg-type", "a timer is made for the map it lies in"},
    {"arg-alloc-size", "arg-size", "the size of a record is a constant"},
    {"arg-record", "arg-type", "the argument is a record, at its start, that was not given back"},
    {"arg-socket", "arg-type", "the argument is a socket that was looked up and not released"},
    {"arg-align", "arg-type", "memory that a helper reads and writes as one number is aligned"},
    {"arg-string", "arg-type", "the argument is text in a map that nobody changes, with its zero"},
    {"arg-format", "arg-type", "the format of snprintf is well-formed and has its arguments"},
    {"lock-owner", "lock", "the lock that is given back is the one that is held"},
    {"lock-call", "lock", "no helper and no global function is called while a lock is held"},
    {"lock-left", "lock", "no lock is held when the program ends"},
    {"reference-left", "reference-leak", "records and sockets are given back on every way out"},
    {"return-init", "uninit-read", "r0 is written before exit"},
    {"return-scalar", "return-value", "the program returns a number"},
    {"return-stack", "stack-escape", "sub-programs do not return stack pointers"},
    {"callback-return", "callback-return", "callbacks return 0 or 1"},
    {"timer-return", "callback-return", "callbacks of timers return 0"},
    {"callback-static", "bad-call", "functions whose address is taken are static"},
    {"callback-tail-call", "bad-call", "callbacks make no tail calls"},
    {"map-key-bounds", "map-bounds", "accesses to an element's key lie inside it"},
    {"map-key-write", "map-access", "keys of elements are not written"},
    {"bounded-loop", "infinite-loop", "no loop comes back to the state it had"},
}};
static_assert(!kRequirements.back().name.empty());

Check need_init(const Context& context, const State& state, std::uint32_t slot, unsigned number) {
  if (state.reg(number).type != Type::kNothing || !context.enforced(Rule::kRegisterInit)) return {};
  return failure(Rule::kRegisterInit, slot, static_cast<int>(number),
                 fmt::format("r{} is read before anything was written to it", number),
                 {{"why", number >= 1 && number <= 5 ? "a call leaves nothing in r1 to r5; nothing wrote it since"
                                                     : "no instruction on this path wrote it"},
                  {"fix", "give the variable a value on every path"}});
}

Check need_writable(const Context& context, std::uint32_t slot, unsigned number) {
  if (number != vm::kFrameRegister || !context.enforced(Rule::kFramePointer)) return {};
  return failure(Rule::kFramePointer, slot, vm::kFrameRegister, "r10, the frame pointer, is read-only");
}

Check check_pointer_math(const Context& context, const State& state, std::uint32_t slot) {
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  const Reg dst = state.reg(insn.dst);
  const Reg src = alu_operand(context, state, slot);
  const int number = dst.is_pointer() ? insn.dst : insn.src;
  const Reg& pointer = dst.is_pointer() ? dst : src;
  const auto fail = [&](Rule rule, std::string message, std::vector<Rejection::Note> notes = {}) {
    return failure(rule, slot, number, std::move(message), std::move(notes));
  };
  if (!row.wide && context.enforced(Rule::kPointerNarrow)) {
    return fail(Rule::kPointerNarrow, fmt::format("32-bit arithmetic on {}", describe(pointer.type)),
                {{"why", "a pointer has 64 bits"}});
  }
  const bool both = dst.is_pointer() && src.is_pointer();
  const bool plus = row.alu() == AluOp::kAdd && !both;
  const bool minus = row.alu() == AluOp::kSub && dst.is_pointer();
  if (!plus && !minus && context.enforced(Rule::kPointerOperator)) {
    return fail(Rule::kPointerOperator, fmt::format("{} with {} as operand", row.mnemonic, describe(pointer.type)),
                {{"why", "a number may be added to a pointer or subtracted from it, nothing else"}});
  }
  if (pointer.type == Type::kStack && row.alu() == AluOp::kSub && context.enforced(Rule::kPointerOperator)) {
    return fail(Rule::kPointerOperator, "subtraction from a stack pointer",
                {{"why", "Linux refuses it"}, {"fix", "add the negative number instead"}});
  }
  if (may_be_null(pointer.type) && context.enforced(Rule::kPointerNull)) {
    return fail(Rule::kPointerNull, "arithmetic on a pointer that may be null",
                {{"fix", "before it: if (!pointer) return XDP_PASS;"}});
  }
  if (is_xdp_socket(context, pointer) && context.enforced(Rule::kPointerKind)) {
    return fail(Rule::kPointerKind, "arithmetic on an XDP socket", {{"why", "only its queue_id may be read"}});
  }
  const Reg& added = dst.is_pointer() ? src : dst;
  const bool plus_nothing = pointer.type == Type::kMap && plus && added.is_null();
  const bool fixed = pointer.type == Type::kMap || pointer.type == Type::kPacketEnd ||
                     pointer.type == Type::kFunction || is_socket(pointer.type);
  if (fixed && !plus_nothing && context.enforced(Rule::kPointerKind)) {
    return fail(Rule::kPointerKind, fmt::format("arithmetic on {}", describe(pointer.type)));
  }
  const Reg& number_reg = dst.is_pointer() ? src : dst;
  if (!number_reg.is_scalar() || !context.enforced(Rule::kPointerOffset)) return {};
  const Scalar& value = number_reg.value;
  const bool sane = value.smin() > -kMaxOffset && value.smin() < kMaxOffset;
  std::int64_t total = pointer.offset;
  if (sane && value.is_constant()) total += minus ? -value.smin() : value.smin();
  // Linux refuses at once what is refused here when the pointer is used.
  const bool falls = context.options.as_linux && !value.is_constant() &&
                     alu(row.alu(), true, pointer.value, value).smin() <= -kMaxOffset;
  if (!sane || falls || total <= -kMaxOffset || total >= kMaxOffset) {
    return fail(Rule::kPointerOffset, "the number added to the pointer may be far too large or negative",
                {{"reads", fmt::format("a number in [{},{}]", value.smin(), value.smax())},
                 {"fix", "bound the number first, e.g. with & or a compare; use unsigned types"}});
  }
  return {};
}

Check check_alu(const Context& context, const State& state, std::uint32_t slot) {
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  if (Check failed = need_writable(context, slot, insn.dst)) return failed;
  const bool endian = row.kind == Kind::kEndian;
  if (endian || !is_move(row.alu())) {
    if (Check failed = need_init(context, state, slot, insn.dst)) return failed;
  }
  if (!endian && row.source == vm::Source::kReg) {
    if (Check failed = need_init(context, state, slot, insn.src)) return failed;
  }
  if (endian || alu_shape(context, state, slot) != AluShape::kPointer) return {};
  return check_pointer_math(context, state, slot);
}

// A pointer on the stack is read back as 8 bytes or not at all.
Check check_whole_pointer(const Context& context, const State& state, std::uint32_t slot, unsigned number) {
  const InsnRow& row = context.row(slot);
  const Reg& base = state.reg(number);
  const Reach where = reach(base, context.insn(slot).offset);
  if (base.type != Type::kStack || !where.fixed() || row.size == 8 || !context.enforced(Rule::kSpillSize)) return {};
  const std::vector<Slot>& stack = state.frames[base.frame].stack;
  const auto index = static_cast<std::size_t>((-where.min - 1) / 8);
  if (index >= stack.size() || !stack[index].holds_pointer()) return {};
  return failure(Rule::kSpillSize, slot, static_cast<int>(number),
                 fmt::format("{} bytes of {} are read", row.size, describe(stack[index].spill.type)));
}

// Fields are not where struct xdp_md has them: the kernel rewrites loads of the context, and so wants them to be
// nothing else.
Check check_context_everywhere(const Context& context, const Reg& base, std::uint32_t slot) {
  const std::optional<vm::Region> before = context.recorder.region_so_far(slot);
  const bool now = base.type == Type::kContext;
  if (!before || (*before == vm::Region::kContext) == now || !context.enforced(Rule::kContextMixed)) return {};
  return failure(Rule::kContextMixed, slot, context.insn(slot).src,
                 fmt::format("this load reads through {} here, {} on another path", describe(base.type),
                             now ? "not through the context" : "through the context"),
                 {{"fix", "load the context's field before the paths meet"}});
}

// Nor are those of sockets where struct bpf_sock has them.
Check check_socket_everywhere(const Context& context, const Reg& base, std::uint32_t slot) {
  const Through before = context.recorder.through_so_far(slot);
  const Through now = through_of(context, base);
  if (before == Through::kNobody || before == now || !context.enforced(Rule::kSocketMixed)) return {};
  return failure(Rule::kSocketMixed, slot, context.insn(slot).src,
                 fmt::format("this load reads {} here, {} on another path", describe(now), describe(before)),
                 {{"fix", "load the socket's field before the paths meet"}});
}

// The halves of an address mean nothing.
Check check_signed_context_load(const Context& context, const Reg& base, std::uint32_t slot) {
  const Insn& insn = context.insn(slot);
  if (base.type != Type::kContext || context.row(slot).kind != Kind::kLoadSigned) return {};
  const vm::ContextField* field = vm::context_field(*context.program.type, insn.offset);
  if (field == nullptr || field->kind == vm::FieldKind::kScalar32 || !context.enforced(Rule::kContextField)) return {};
  return failure(Rule::kContextField, slot, insn.src,
                 fmt::format("sign-extending read of the context's {}", field->name),
                 {{"why", "it is an address, which has no sign"}});
}

Check check_load(const Context& context, const State& state, std::uint32_t slot) {
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  if (Check failed = need_writable(context, slot, insn.dst)) return failed;
  if (Check failed = need_init(context, state, slot, insn.src)) return failed;
  const Reg& base = state.reg(insn.src);
  if (Check failed = check_access(
          context, base, {.slot = slot, .reg = insn.src, .offset = insn.offset, .size = row.size, .use = Use::kRead})) {
    return failed;
  }
  if (Check failed = check_context_everywhere(context, base, slot)) return failed;
  if (Check failed = check_socket_everywhere(context, base, slot)) return failed;
  if (Check failed = check_signed_context_load(context, base, slot)) return failed;
  return check_whole_pointer(context, state, slot, insn.src);
}

Check check_stored_pointer(const Context& context, const State& state, std::uint32_t slot) {
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  const Reg& base = state.reg(insn.dst);
  const Reg& value = state.reg(insn.src);
  const auto fail = [&](Rule rule, std::string message, std::vector<Rejection::Note> notes = {}) {
    return failure(rule, slot, insn.src, std::move(message), std::move(notes));
  };
  if (base.type != Type::kStack) {
    if (context.options.allow_ptr_leaks || !context.enforced(Rule::kPointerLeak)) return {};
    return fail(Rule::kPointerLeak, fmt::format("{} is stored through {}", describe(value.type), describe(base.type)),
                {{"why", "others could read the address; --allow-ptr-leaks permits it"}});
  }
  if (row.size != 8 && context.enforced(Rule::kSpillSize)) {
    return fail(Rule::kSpillSize, fmt::format("{} is stored as {} bytes", describe(value.type), row.size));
  }
  if (!reach(base, insn.offset).fixed() && context.enforced(Rule::kStackVariable)) {
    return fail(Rule::kStackVariable, fmt::format("{} is stored at a variable stack offset", describe(value.type)));
  }
  const bool own = base.frame + 1U == state.frames.size();
  if (value.type == Type::kStack && !own && context.enforced(Rule::kStackEscape)) {
    return fail(Rule::kStackEscape, "a stack pointer is stored in a caller's frame",
                {{"why", "it could outlive the frame it points into"}});
  }
  return {};
}

Check check_store(const Context& context, const State& state, std::uint32_t slot) {
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  const bool from_reg = row.kind == Kind::kStore;
  if (Check failed = need_init(context, state, slot, insn.dst)) return failed;
  if (from_reg) {
    if (Check failed = need_init(context, state, slot, insn.src)) return failed;
  }
  if (Check failed =
          check_access(context, state.reg(insn.dst),
                       {.slot = slot, .reg = insn.dst, .offset = insn.offset, .size = row.size, .use = Use::kWrite})) {
    return failed;
  }
  if (!from_reg) return {};
  const Reg& value = state.reg(insn.src);
  if (value.stale && state.reg(insn.dst).type != Type::kStack && !context.options.allow_ptr_leaks &&
      context.enforced(Rule::kPointerLeak)) {
    return failure(Rule::kPointerLeak, slot, insn.src,
                   fmt::format("what was {} is stored where others can read it", describe(value.was)),
                   {{"why", "it is an address still; --allow-ptr-leaks permits it"}});
  }
  return value.is_pointer() ? check_stored_pointer(context, state, slot) : Check{};
}

Check check_atomic(const Context& context, const State& state, std::uint32_t slot) {
  const InsnRow& row = context.row(slot);
  const Insn& insn = context.insn(slot);
  const bool exchanges = row.atomic() == vm::AtomicOp::kCompareExchange;
  for (const unsigned number : {unsigned{insn.dst}, unsigned{insn.src}}) {
    if (Check failed = need_init(context, state, slot, number)) return failed;
  }
  if (exchanges) {
    if (Check failed = need_init(context, state, slot, 0)) return failed;
  }
  if (is_fetch(row.atomic()) && !exchanges) {
    if (Check failed = need_writable(context, slot, insn.src)) return failed;
  }
  const bool numbers = !state.reg(insn.src).is_pointer() && !(exchanges && state.reg(0).is_pointer());
  if (!numbers && !context.options.allow_ptr_leaks && context.enforced(Rule::kAtomicOperand)) {
    return failure(Rule::kAtomicOperand, slot, insn.src, "a pointer is the operand of an atomic operation");
  }
  if (Check failed =
          check_access(context, state.reg(insn.dst),
                       {.slot = slot, .reg = insn.dst, .offset = insn.offset, .size = row.size, .use = Use::kAtomic})) {
    return failed;
  }
  return check_whole_pointer(context, state, slot, insn.dst);
}

Check check_branch(const Context& context, const State& state, std::uint32_t slot) {
  const Insn& insn = context.insn(slot);
  if (Check failed = need_init(context, state, slot, insn.dst)) return failed;
  return context.row(slot).source == vm::Source::kReg ? need_init(context, state, slot, insn.src) : Check{};
}

// The end of a function that a timer calls.
Check check_timer_return(const Context& context, const Reg& r0, std::uint32_t slot) {
  if (r0.is_null() || !context.enforced(Rule::kTimerReturn)) return {};
  return failure(Rule::kTimerReturn, slot, 0, "the callback of a timer may return something else than 0",
                 {{"reads", r0.is_scalar() ? fmt::format("r0 in [{},{}]", r0.value.smin(), r0.value.smax())
                                           : fmt::format("r0 holds {}", describe(r0.type))},
                  {"why", "nobody looks at what it returns; Linux wants 0"},
                  {"fix", "return 0;"}});
}

Check check_exit(const Context& context, const State& state, std::uint32_t slot) {
  const Reg& r0 = state.reg(0);
  if (state.frames.size() > 1) {
    if (r0.type == Type::kStack && context.enforced(Rule::kReturnStack)) {
      return failure(Rule::kReturnStack, slot, 0, "the sub-program returns a stack pointer");
    }
    const bool good = r0.is_scalar() && r0.value.umax() <= 1;
    if (!state.top().is_callback || good || !context.enforced(Rule::kCallbackReturn)) return {};
    return failure(Rule::kCallbackReturn, slot, 0, "the callback may return something else than 0 or 1",
                   {{"reads", r0.is_scalar() ? fmt::format("r0 in [{},{}]", r0.value.smin(), r0.value.smax())
                                             : fmt::format("r0 holds {}", describe(r0.type))},
                    {"why", "0 goes on to the next round, 1 ends the loop; nothing else has a meaning"},
                    {"fix", "return 0;"}});
  }
  const bool in_timer = state.top().is_callback;
  if (Check failed = check_nothing_held(context, state, slot, in_timer ? "the callback ends" : "the program ends")) {
    return failed;
  }
  if (in_timer) return check_timer_return(context, r0, slot);
  if (r0.type == Type::kNothing && context.enforced(Rule::kReturnInit)) {
    return failure(Rule::kReturnInit, slot, 0, "the program ends without a return value",
                   {{"why", "nothing wrote r0 on this path"}, {"fix", "return a verdict, e.g. XDP_PASS"}});
  }
  if (r0.is_pointer() && !context.options.allow_ptr_leaks && context.enforced(Rule::kReturnScalar)) {
    return failure(Rule::kReturnScalar, slot, 0, fmt::format("the program returns {}", describe(r0.type)),
                   {{"fix", "return a verdict, e.g. XDP_PASS"}});
  }
  return {};
}

}  // namespace

std::span<const Requirement> requirements() noexcept { return kRequirements; }

Failure failure(Rule rule, std::uint32_t insn, int reg, std::string message, std::vector<Rejection::Note> notes) {
  return {.code = kRequirements[static_cast<std::size_t>(rule)].code,
          .rule = rule,
          .insn = insn,
          .reg = reg,
          .message = std::move(message),
          .notes = std::move(notes)};
}

Check check(const Context& context, const State& state, std::uint32_t slot) {
  switch (context.row(slot).kind) {
    case Kind::kAlu:
    case Kind::kEndian: return check_alu(context, state, slot);
    case Kind::kLoad:
    case Kind::kLoadSigned: return check_load(context, state, slot);
    case Kind::kStore:
    case Kind::kStoreImm: return check_store(context, state, slot);
    case Kind::kAtomic: return check_atomic(context, state, slot);
    case Kind::kLoadImm64: return need_writable(context, slot, context.insn(slot).dst);
    case Kind::kBranch: return check_branch(context, state, slot);
    case Kind::kCallHelper: return check_helper_call(context, state, slot);
    case Kind::kCallLocal: return check_local_call(context, state, slot);
    case Kind::kExit: return check_exit(context, state, slot);
    case Kind::kCallKernel:
      if (!context.enforced(Rule::kKernelFunction)) return {};
      return failure(Rule::kKernelFunction, slot, -1, "call of a kernel function that is not there");
    case Kind::kGoto:
    case Kind::kLegacyLoad: break;  // judged by build_cfg
  }
  return {};
}

}  // namespace sluice::verifier
