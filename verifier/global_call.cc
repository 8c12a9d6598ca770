#include "verifier/global_call.h"

#include "verifier/access.h"
#include "verifier/call.h"
#include "verifier/transfer.h"

namespace sluice::verifier {
namespace {

// What the pointer is once it is known not to be null; nothing when it points to no memory then.
Reg not_null(const Context& context, Reg reg) {
  if (is_xdp_socket(context, reg)) return Reg::nothing();
  switch (reg.type) {
    case Type::kMapValueOrNull:
      if (context.inner_map(reg.map) >= 0) return Reg::nothing();
      reg.type = Type::kMapValue;
      return reg;
    case Type::kRecordOrNull:
    case Type::kMemoryOrNull: reg.type = without_null(reg.type); return reg;
    case Type::kPacket:
    case Type::kPacketMeta:
    case Type::kStack:
    case Type::kMapValue:
    case Type::kMemory:
    case Type::kMapKey:
    case Type::kRecord: return reg;
    case Type::kNothing:
    case Type::kScalar:
    case Type::kContext:
    case Type::kPacketEnd:
    case Type::kMap:
    case Type::kFunction:
    case Type::kSocket:
    case Type::kSocketOrNull:
    case Type::kSocketCommon:
    case Type::kSocketCommonOrNull: break;
  }
  return Reg::nothing();
}

// Whether the sub-program may have the memory that register `number` points to, as it asks for it.
bool can_lend(const Context& context, const State& state, std::uint32_t slot, std::uint32_t callee, unsigned number) {
  const vm::Subprogram& function = context.cfg.subprograms[callee];
  const std::uint32_t bytes = function.memory[number - 1];
  if (bytes == 0) return false;
  const Reg& reg = state.reg(number);
  const bool takes_null = (function.never_null >> (number - 1) & 1U) == 0;
  if (reg.is_null() || may_be_null(reg.type)) {
    if (!takes_null) return false;
    if (reg.is_null()) return true;
  }
  const Reg memory = not_null(context, reg);
  if (memory.type == Type::kNothing) return false;
  // On its own it would not learn that its memory is the packet, and moves.
  if (memory.is_packet() && context.cfg.traits[callee].moves_packet) return false;
  const auto allows = [&](Use use) {
    const Access access{.slot = slot, .reg = static_cast<int>(number), .size = bytes, .use = use, .by_helper = true};
    return !check_access(context, memory, access);
  };
  return allows(Use::kRead) && allows(Use::kWrite);
}

}  // namespace

bool stands_alone(const Context& context, const State& state, std::uint32_t slot, std::array<char, 5>& arguments) {
  const std::uint32_t callee = context.cfg.callee(context.program, slot);
  if (!context.cfg.subprograms[callee].is_global) return false;
  const std::uint16_t read = context.live.before[context.cfg.subprograms[callee].start].regs;
  for (unsigned r = 1; r <= 5; ++r) {
    const Reg& reg = state.reg(r);
    const bool context_itself = reg.type == Type::kContext && reg.offset == 0 && reg.value.is_constant();
    if ((read >> r & 1U) == 0) {
      arguments[r - 1] = '-';
    } else if (can_lend(context, state, slot, callee, r)) {
      arguments[r - 1] = 'm';
    } else if (reg.is_scalar()) {
      arguments[r - 1] = 's';
    } else if (context_itself) {
      arguments[r - 1] = 'c';
    } else {
      return false;
    }
  }
  return true;
}

Reg lent_memory(Context& context, std::uint32_t subprogram, unsigned number) {
  const vm::Subprogram& function = context.cfg.subprograms[subprogram];
  const bool takes_null = (function.never_null >> (number - 1) & 1U) == 0;
  Reg memory = Reg::pointer(takes_null ? Type::kMemoryOrNull : Type::kMemory);
  memory.range = static_cast<std::int32_t>(function.memory[number - 1]);
  if (takes_null) memory.id = context.new_id();
  return memory;
}

void skip_subprogram(Context& context, State& state) {
  const std::uint32_t callee = context.cfg.callee(context.program, state.slot);
  for (unsigned r = 1; r <= 5; ++r) {
    const Reg reg = state.reg(r);
    const std::uint32_t bytes = context.cfg.subprograms[callee].memory[r - 1];
    // Whether the argument was null decided what it was verified for.
    if (bytes != 0) context.demand(reg);
    if (reg.type == Type::kStack) helper_memory(context, state, reg, bytes, true, true);
  }
  if (context.cfg.traits[callee].moves_packet) {
    context.recorder.facts.moves_packet = true;
    invalidate_packets(state);
  }
  forget_arguments(state);
  state.reg(0) = Reg::unknown();
  state.slot += 1;
}

}  // namespace sluice::verifier
