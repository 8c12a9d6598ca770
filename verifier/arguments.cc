#include "verifier/arguments.h"

#include <algorithm>

#include <fmt/format.h>

#include "verifier/access.h"
#include "verifier/call_text.h"
#include "vm/maps/map.h"
#include "vm/print_format.h"

namespace sluice::verifier {
namespace {

using vm::ArgKind;
using vm::HelperDesc;

// BPF_FUNC_*, linux/bpf.h: those that change the contents of the map they are given.
constexpr std::int32_t kChangesMap[] = {2, 3, 87, 88};  // map_update_elem, map_delete_elem, map_push_elem, map_pop_elem
// Those that hand out the memory they read, to maps, frames or readers: map_update_elem, perf_event_output,
// map_push_elem, ringbuf_output, xdp_store_bytes.
constexpr std::int32_t kHandsOut[] = {2, 25, 87, 130, 190};
constexpr std::int32_t kSnprintf = 165;

class Arguments {
 public:
  Arguments(const Context& context, const State& state, std::uint32_t slot, const HelperDesc& helper)
      : context_(context), state_(state), slot_(slot), helper_(helper) {}

  Check run() const {
    for (unsigned number = 1; number <= 5; ++number) {
      if (Check failed = argument(number)) return failed;
    }
    return helper_.id == kSnprintf ? format() : Check{};
  }

 private:
  [[nodiscard]] bool on(Rule rule) const { return context_.enforced(rule); }
  Failure fail(Rule rule, unsigned number, std::string message, std::vector<Rejection::Note> notes = {}) const {
    return failure(rule, slot_, static_cast<int>(number),
                   fmt::format("argument {} of {}: {}", number, helper_.name, message), std::move(notes));
  }

  Check argument(unsigned number) const {
    const ArgKind kind = helper_.args[number - 1];
    if (kind == ArgKind::kNone) return {};
    const Reg& reg = state_.reg(number);
    if (reg.type == Type::kNothing) {
      if (!on(Rule::kArgInit)) return {};
      return fail(Rule::kArgInit, number, fmt::format("nothing was written to r{}", number));
    }
    const std::string_view got = describe(reg.type);
    switch (kind) {
      case ArgKind::kNone:
      case ArgKind::kAnything: return {};
      case ArgKind::kScalar:
        if (reg.is_scalar() || !on(Rule::kArgScalar)) return {};
        return fail(Rule::kArgScalar, number, fmt::format("a number is expected, r{} holds {}", number, got));
      case ArgKind::kContext: {
        const bool plain = reg.type == Type::kContext && reg.offset == 0 && reg.value.is_constant();
        if (plain || !on(Rule::kArgContext)) return {};
        return fail(Rule::kArgContext, number,
                    fmt::format("the program's own context is expected, r{} holds {}", number, got));
      }
      case ArgKind::kConstMap: return map(number, reg);
      case ArgKind::kMapKey:
      case ArgKind::kMapValue:
      case ArgKind::kMapValueOut: return map_memory(number, kind);
      case ArgKind::kFixedMem:
      case ArgKind::kFixedMemInOut: return fixed_memory(number, kind);
      case ArgKind::kConstString: return text(number, reg);
      case ArgKind::kReadMem:
      case ArgKind::kReadMemOrNull:
      case ArgKind::kInOutMem:
      case ArgKind::kInOutMemOrNull:
      case ArgKind::kWriteMem: return {};  // judged with its size
      case ArgKind::kSize:
      case ArgKind::kSizeOrZero: return sized_memory(number, kind);
      case ArgKind::kCallback:
        if (reg.type == Type::kFunction || !on(Rule::kArgCallback)) return {};
        return fail(
            Rule::kArgCallback, number,
            fmt::format("the address of a static function is expected, r{} holds {}", number, got),
            {{"fix", helper_.effect == vm::Effect::kSetCallback
                         ? "name a function of this program: static int expired(void *map, void *key, void *value)"
                         : "name a function of this program: static long body(__u32 index, void *context)"}});
      case ArgKind::kCallbackContext:
        if (reg.type == Type::kStack || reg.is_null() || !on(Rule::kArgCallbackContext)) return {};
        return fail(Rule::kArgCallbackContext, number,
                    fmt::format("a stack address or null is expected, r{} holds {}", number, got),
                    {{"fix", "hand over the address of a variable of the function that makes the call"}});
      case ArgKind::kSpinLock: return lock(number, reg);
      case ArgKind::kTimer: return timer(number, reg);
      case ArgKind::kAllocSize: return alloc_size(number, reg);
      case ArgKind::kRecord: return record(number, reg);
      case ArgKind::kSocket: return socket(number, reg);
    }
    return {};
  }

  Check map(unsigned number, const Reg& reg) const {
    const vm::Map* map = map_of(context_, reg);
    if (map == nullptr) {
      if (!on(Rule::kArgMap)) return {};
      const bool maybe_inner = reg.type == Type::kMapValueOrNull && context_.inner_map(reg.map) >= 0;
      return fail(Rule::kArgMap, number,
                  fmt::format("a map is expected, r{} holds {}", number,
                              maybe_inner ? "an inner map or null" : describe(reg.type)));
    }
    const vm::MapSpec& spec = map->spec();
    const auto type = static_cast<std::uint32_t>(spec.type);
    const bool fits =
        helper_.map_types.empty() || std::ranges::find(helper_.map_types, type) != helper_.map_types.end();
    if (!fits && on(Rule::kArgMapType)) {
      return fail(Rule::kArgMapType, number,
                  fmt::format("map {} is of type {}, which {} does not work on", spec.name, type, helper_.name));
    }
    const bool read_only = (spec.flags & vm::kMapReadOnlyProg) != 0 || map->frozen();
    const bool changes = std::ranges::find(kChangesMap, helper_.id) != std::ranges::end(kChangesMap);
    if (changes && read_only && on(Rule::kArgMapUse)) {
      return fail(Rule::kArgMapUse, number, fmt::format("map {} may only be read by programs", spec.name));
    }
    const bool of_timer = helper_.args[0] == ArgKind::kTimer && number != 1;
    const Reg& timer = state_.reg(1);
    if (!of_timer || timer.map == reg.map || !on(Rule::kTimerMap)) return {};
    const vm::Map* const own = timer.type == Type::kMapValue ? context_.map(timer.map) : nullptr;
    const std::string_view name = own == nullptr ? std::string_view("the map") : std::string_view(own->spec().name);
    return fail(Rule::kTimerMap, number, fmt::format("map {} is not the one the timer lies in", spec.name),
                {{"why", fmt::format("r1 points into a value of {}", name)}, {"fix", fmt::format("pass &{}", name)}});
  }

  Check timer(unsigned number, const Reg& reg) const {
    const vm::Map* const map = reg.type == Type::kMapValue ? context_.map(reg.map) : nullptr;
    const std::int32_t at = map == nullptr ? -1 : map->spec().special.timer;
    const Reach where = reach(reg, 0);
    const bool inner = map != nullptr && context_.program_map(reg.map) < 0;
    if ((at >= 0 && !inner && where.fixed() && where.min == at) || !on(Rule::kArgTimer)) return {};
    std::vector<Rejection::Note> notes;
    if (map == nullptr) {
      notes = {{"why", fmt::format("r{} holds {}", number, describe(reg.type))},
               {"fix", may_be_null(reg.type)
                           ? "before it: if (!value) return XDP_PASS;"
                           : "put a struct bpf_timer into the type of a map's value and pass its address"}};
    } else if (at < 0) {
      notes = {{"why", fmt::format("the value of map {} has no struct bpf_timer, or more than one", map->spec().name)},
               {"fix", "put a struct bpf_timer into the type of the value and pass its address"}};
    } else if (inner) {
      notes = {{"why", "timers in maps inside of maps are not supported"}, {"fix", "use a map of the program itself"}};
    } else {
      notes = {{"why", fmt::format("the value of map {} has its timer at byte {}", map->spec().name, at)},
               {"fix", "pass the address of the struct bpf_timer in it"}};
    }
    return fail(Rule::kArgTimer, number, "the struct bpf_timer of a map's value is expected", std::move(notes));
  }

  Check lock(unsigned number, const Reg& reg) const {
    const vm::Map* const map = reg.type == Type::kMapValue ? context_.map(reg.map) : nullptr;
    const std::int32_t at = map == nullptr ? -1 : map->spec().special.lock;
    const Reach where = reach(reg, 0);
    if ((at < 0 || !where.fixed() || where.min != at) && on(Rule::kArgLock)) {
      std::vector<Rejection::Note> notes{
          {"why",
           map == nullptr ? fmt::format("r{} holds {}", number, describe(reg.type))
           : at < 0 ? fmt::format("the value of map {} has no struct bpf_spin_lock, or more than one", map->spec().name)
                    : fmt::format("the value of map {} has its lock at byte {}", map->spec().name, at)}};
      notes.push_back({"fix", "put a struct bpf_spin_lock into the type of the value and pass its address"});
      return fail(Rule::kArgLock, number, "the struct bpf_spin_lock of a map's value is expected", std::move(notes));
    }
    const HeldLock& held = state_.lock;
    if (helper_.effect != vm::Effect::kUnlock || !on(Rule::kLockOwner)) return {};
    if (held.map < 0) {
      return failure(Rule::kLockOwner, slot_, static_cast<int>(number), "a lock is given back that nobody holds",
                     {{"why", "bpf_spin_lock was not called on this path, or the lock was given back already"},
                      {"fix", "call bpf_spin_lock first, on every path"}});
    }
    if (held.map == reg.map && held.id == reg.id) return {};
    return failure(Rule::kLockOwner, slot_, static_cast<int>(number), "another lock is given back than is held",
                   {{"why", fmt::format("the one taken at {} is held", place(context_.program, held.slot))},
                    {"fix", "give the same value's lock back"}});
  }

  Check alloc_size(unsigned number, const Reg& reg) const {
    // However large: then there is never room.
    if ((reg.is_scalar() && reg.value.is_constant()) || !on(Rule::kArgAllocSize)) return {};
    return fail(
        Rule::kArgAllocSize, number, "a constant size is expected",
        {{"why", "later accesses are judged by it"}, {"fix", "reserve the greatest size, or use ringbuf_output"}});
  }

  Check record(unsigned number, const Reg& reg) const {
    if (!on(Rule::kArgRecord)) return {};
    if (reg.stale) {
      return fail(Rule::kArgRecord, number, "the record was given back already",
                  {{"why", "it was submitted or discarded on this path"}, {"fix", "submit or discard a record once"}});
    }
    if (reg.type == Type::kRecordOrNull) {
      return fail(Rule::kArgRecord, number, "the record may be null",
                  {{"fix", "before it: if (!record) return XDP_PASS;"}});
    }
    const Reach where = reach(reg, 0);
    if (reg.type == Type::kRecord && where.fixed() && where.min == 0) return {};
    return fail(Rule::kArgRecord, number,
                fmt::format("the start of a record is expected, r{} holds {}{}", number, describe(reg.type),
                            reg.type == Type::kRecord ? " with an offset" : ""));
  }

  Check socket(unsigned number, const Reg& reg) const {
    const bool releases = helper_.effect == vm::Effect::kRelease;
    // An XDP socket is one too, but nobody counts who looks it up.
    const bool xdp = reg.type == Type::kMapValue && is_xdp_socket(context_, reg);
    if (is_socket(reg.type) || (xdp && !releases) || !on(Rule::kArgSocket)) return {};
    if (reg.stale && reg.was == Type::kSocket) {
      return fail(
          Rule::kArgSocket, number, "the socket was released already",
          {{"why", "bpf_sk_release was called with it on this path"}, {"fix", "release a socket once, and last"}});
    }
    if (reg.type == Type::kSocketOrNull || reg.type == Type::kSocketCommonOrNull) {
      return fail(Rule::kArgSocket, number, "the socket may be null",
                  {{"fix", "before it: if (!socket) return XDP_PASS;"}});
    }
    return fail(Rule::kArgSocket, number,
                fmt::format("a socket that was looked up is expected, r{} holds {}", number,
                            xdp ? "an XDP socket" : describe(reg.type)));
  }

  Check fixed_memory(unsigned number, ArgKind kind) const {
    const std::int64_t size = helper_.fixed_size[number - 1];
    if (Check failed = memory(number, size, kind)) return failed;
    if (kind != ArgKind::kFixedMemInOut || !on(Rule::kArgAlign)) return {};
    const Reg& reg = state_.reg(number);
    const Tnum<std::uint64_t> bits =
        alu(vm::AluOp::kAdd, true, reg.value, Scalar::constant(static_cast<std::uint64_t>(reg.offset))).bits();
    if (((bits.value | bits.mask) & static_cast<std::uint64_t>(size - 1)) == 0) return {};
    return fail(Rule::kArgAlign, number, fmt::format("the address is not a multiple of {}", size),
                {{"fix", "pass the address of a variable of the type that the helper writes"}});
  }

  Check text(unsigned number, const Reg& reg) const {
    const ConstantText found = constant_text(context_, reg);
    if (found.text != nullptr || !on(Rule::kArgString)) return {};
    return fail(Rule::kArgString, number,
                fmt::format("constant text is expected, r{} holds {}", number, describe(reg.type)),
                {{"why", std::string(found.why)}, {"fix", "write: static const char text[] = \"..\"; and pass text"}});
  }

  // What snprintf is given: a format and its arguments, 8 bytes each.
  Check format() const {
    if (!on(Rule::kArgFormat)) return {};
    const ConstantText found = constant_text(context_, state_.reg(3));
    const Reg& size = state_.reg(5);
    if (found.text == nullptr || !size.is_scalar()) return {};  // refused, or a test switched that off
    const std::uint64_t bytes = size.value.bits().value;        // known so far, as the kernel has it
    if (bytes % 8 != 0) {
      return fail(Rule::kArgFormat, 5, fmt::format("the arguments have {} bytes, which is no multiple of 8", bytes),
                  {{"fix", "pass an array of unsigned long long and its sizeof"}});
    }
    if (vm::format_fits(found.text, bytes / 8)) return {};
    return fail(Rule::kArgFormat, 3, fmt::format("the format is malformed or has not just {} arguments", bytes / 8),
                {{"why", "what is understood: %c %s %d %i %u %x %X with l or ll, %p %pks %pus %pi4 %pI4 %pi6 %pI6"},
                 {"fix", "correct the format, or pass an argument for each conversion"}});
  }

  Check memory(unsigned number, std::int64_t size, ArgKind kind) const {
    const bool writes = vm::is_written(kind);
    const bool reads = !vm::is_only_written(kind);
    const Reg& reg = state_.reg(number);
    const Type type = without_null(reg.type);
    const bool points = type == Type::kStack || reg.is_packet() || type == Type::kMapValue || type == Type::kMemory ||
                        type == Type::kMapKey || type == Type::kRecord;
    if (!points) {
      if (!on(Rule::kArgMemory)) return {};
      return fail(Rule::kArgMemory, number,
                  fmt::format("an address of {} bytes is expected, r{} holds {}", size, number, describe(reg.type)));
    }
    if (is_xdp_socket(context_, reg) && on(Rule::kArgMemory)) {
      return fail(Rule::kArgMemory, number,
                  fmt::format("an address of {} bytes is expected, r{} holds an XDP socket", size, number),
                  {{"fix", "copy its queue_id to the stack first"}});
    }
    if (reg.is_packet() && !helper_.takes_packet && on(Rule::kArgMemory)) {
      return fail(Rule::kArgMemory, number, "this helper takes no memory of the packet",
                  {{"fix", "copy the bytes to the stack first"}});
    }
    const auto access = [&](Use use) {
      return check_access(
          context_, reg,
          {.slot = slot_, .reg = static_cast<int>(number), .offset = 0, .size = size, .use = use, .by_helper = true});
    };
    if (reads) {
      if (Check failed = leak(number, reg, size)) return failed;
      if (Check failed = access(Use::kRead)) return failed;
    }
    return writes ? access(Use::kWrite) : Check{};
  }

  // Pointers among stack bytes that the helper hands out.
  Check leak(unsigned number, const Reg& reg, std::int64_t size) const {
    const bool hands_out = std::ranges::find(kHandsOut, helper_.id) != std::ranges::end(kHandsOut);
    if (reg.type != Type::kStack || !hands_out || context_.options.allow_ptr_leaks || !on(Rule::kPointerLeak))
      return {};
    const Reach where = reach(reg, 0);
    const auto& stack = state_.frames[reg.frame].stack;
    for (std::size_t i = 0; i < stack.size(); ++i) {
      const std::int64_t at = -8 * static_cast<std::int64_t>(i + 1);
      if (!stack[i].holds_pointer() || at + 8 <= where.min || at >= where.max + size) continue;
      return failure(
          Rule::kPointerLeak, slot_, static_cast<int>(number),
          fmt::format("{} would hand out {} stored at r10{}", helper_.name, describe(stack[i].spill.type), at),
          {{"why", "addresses must not leave the program"}, {"fix", "overwrite it first, or pass --allow-ptr-leaks"}});
    }
    return {};
  }

  Check map_memory(unsigned number, ArgKind kind) const {
    std::int32_t index = -1;
    const vm::Map* map = map_argument(context_, state_, helper_, index);
    if (map == nullptr) return {};  // the map argument was refused already, or a test switched that off
    const std::uint32_t size = kind == ArgKind::kMapKey ? map->spec().key_size : map->spec().value_size;
    return size == 0 ? Check{} : memory(number, size, use_of(kind, map));
  }

  // The memory in register number-1 and its size in `number`.
  Check sized_memory(unsigned number, ArgKind kind) const {
    const Reg& size = state_.reg(number);
    const ArgKind memory_kind = helper_.args[number - 2];
    const Reg& address = state_.reg(number - 1);
    if (!size.is_scalar()) {
      if (!on(Rule::kArgScalar)) return {};
      return fail(Rule::kArgScalar, number,
                  fmt::format("a size is expected, r{} holds {}", number, describe(size.type)));
    }
    const std::vector<Rejection::Note> bounds{
        {"reads", fmt::format("r{} in [{},{}]", number, size.value.smin(), size.value.smax())},
        {"fix", "bound the size before the call, e.g. with & or a compare; use unsigned types"}};
    if (size.value.smin() < 0) {
      if (!on(Rule::kSizeSign)) return {};
      return fail(Rule::kSizeSign, number, "the size may be negative", bounds);
    }
    if (size.value.umax() >= static_cast<std::uint64_t>(kMaxOffset)) {
      if (!on(Rule::kSizeLimit)) return {};
      return fail(Rule::kSizeLimit, number, "the size has no bound", bounds);
    }
    if (kind == ArgKind::kSize && size.value.umin() == 0 && on(Rule::kSizeZero)) {
      return fail(Rule::kSizeZero, number, "the size may be 0", bounds);
    }
    const auto most = static_cast<std::int64_t>(size.value.umax());
    const bool null_allowed =
        address.is_null() && (memory_kind == ArgKind::kReadMemOrNull || memory_kind == ArgKind::kInOutMemOrNull);
    if (most == 0 && null_allowed) return {};
    // No bytes at an address are still an address.
    const std::int64_t bytes = address.is_scalar() ? std::max<std::int64_t>(most, 1) : most;
    return memory(number - 1, bytes, memory_kind);
  }

  const Context& context_;
  const State& state_;
  std::uint32_t slot_;
  const HelperDesc& helper_;
};

}  // namespace

const vm::Map* map_of(const Context& context, const Reg& reg) {
  return reg.type == Type::kMap ? context.map(reg.map) : nullptr;
}

const vm::Map* map_argument(const Context& context, const State& state, const HelperDesc& helper, std::int32_t& index) {
  for (unsigned i = 0; i < helper.args.size(); ++i) {
    if (helper.args[i] != ArgKind::kConstMap) continue;
    index = state.reg(i + 1).map;
    return map_of(context, state.reg(i + 1));
  }
  return nullptr;
}

bool takes_size(ArgKind kind) {
  return kind == ArgKind::kReadMem || kind == ArgKind::kReadMemOrNull || kind == ArgKind::kWriteMem ||
         kind == ArgKind::kInOutMem || kind == ArgKind::kInOutMemOrNull;
}

ArgKind use_of(ArgKind kind, const vm::Map* map) {
  const bool reads = kind == ArgKind::kMapValueOut && map != nullptr && vm::peek_reads_value(map->spec().type);
  return reads ? ArgKind::kMapValue : kind;
}

Check check_arguments(const Context& context, const State& state, std::uint32_t slot, const HelperDesc& helper) {
  return Arguments(context, state, slot, helper).run();
}

}  // namespace sluice::verifier
