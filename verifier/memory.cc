// Loads, stores and atomics: what they leave in registers and on the stack, and which facts they give.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "verifier/access.h"
#include "verifier/transfer.h"
#include "vm/maps/map.h"
#include "vm/program_type.h"

namespace sluice::verifier {
namespace {

using vm::Insn;
using vm::InsnRow;

constexpr std::int64_t kStackLow = -std::int64_t{vm::kStackBytes};

// Slot index and byte in it of r10+offset.
constexpr std::size_t slot_index(std::int64_t offset) { return static_cast<std::size_t>((-offset - 1) / 8); }
constexpr unsigned byte_index(std::int64_t offset) { return static_cast<unsigned>(offset & 7); }

vm::Region region_of(const Context& context, Type type) {
  switch (type) {
    case Type::kContext: return vm::Region::kContext;
    case Type::kPacket: return vm::Region::kPacket;
    case Type::kPacketMeta: return vm::Region::kPacketMeta;
    case Type::kStack: return vm::Region::kStack;
    case Type::kMapValue: return vm::Region::kMapValue;
    case Type::kMemory:
      if (context.program.type->context != vm::ContextKind::kMemory) break;  // lent: it may be anything
      return vm::Region::kMemory;
    case Type::kNothing:
    case Type::kScalar:
    case Type::kPacketEnd:
    case Type::kMap:
    case Type::kMapValueOrNull:
    case Type::kMapKey:
    case Type::kFunction:
    case Type::kRecord:
    case Type::kRecordOrNull:
    case Type::kSocket:
    case Type::kSocketOrNull:
    case Type::kSocketCommon:
    case Type::kSocketCommonOrNull:
    case Type::kMemoryOrNull: break;
  }
  return vm::Region::kUnknown;
}

void record(Context& context, const State& state, const Reg& base, std::int64_t offset) {
  const Reach where = reach(base, offset);
  // Offsets into a caller's frame mean nothing to who only knows r10 of the running one.
  const bool foreign = base.type == Type::kStack && base.frame + 1U != state.frames.size();
  context.recorder.access(state.slot, foreign ? vm::Region::kUnknown : region_of(context, base.type), where.min,
                          where.max, base.type == Type::kMapValue ? context.program_map(base.map) : -1);
  context.recorder.through(state.slot, through_of(context, base));
}

// The stack bytes [low, high) of a frame that an access may touch, cut to the stack; it is made to exist.
struct Bytes {
  std::int64_t low, high;
  bool exact;  // all of them are touched, none else
};
Bytes touch(Context& context, State& state, const Reg& base, std::int64_t offset, std::int64_t size) {
  const Reach where = reach(base, offset);
  Bytes bytes{std::max(where.min, kStackLow), std::min<std::int64_t>(where.max + size, 0), where.fixed()};
  bytes.low = std::min<std::int64_t>(bytes.low, 0);
  bytes.high = std::max(bytes.high, bytes.low);
  Frame& frame = state.frames[base.frame];
  frame.reserve(bytes.low);
  std::uint32_t& used = context.frame_bytes[frame.subprogram];
  used = std::max(used, static_cast<std::uint32_t>((-bytes.low + 7) / 8 * 8));
  return bytes;
}

// Somebody reads these bytes: those that nobody wrote must be cleared when the frame is entered.
void note_unwritten(Context& context, const Frame& frame, const Bytes& bytes) {
  for (std::int64_t at = bytes.low; at < bytes.high; ++at) {
    const std::size_t index = slot_index(at);
    if (frame.stack[index].bytes[byte_index(at)] == Byte::kInvalid) {
      context.clear[frame.subprogram] |= std::uint64_t{1} << index;
    }
  }
}

Reg load_number(Context& context, Slot& slot, unsigned byte, unsigned size) {
  const auto begin = slot.bytes.begin() + byte;
  const auto end = begin + std::min<unsigned>(size, 8 - byte);
  const bool spilled = std::all_of(begin, end, [](Byte b) { return b == Byte::kSpill; });
  if (spilled && byte == 0 && slot.holds_scalar()) {
    if (slot.spill.value.umax() <= (size == 8 ? UINT64_MAX : (std::uint64_t{1} << (8 * size)) - 1)) {
      if (slot.spill.id == 0 && !slot.spill.value.is_constant()) slot.spill.id = context.new_id();
      return slot.spill;
    }
    return Reg::derived(zero_extend(slot.spill.value, size), slot.spill.origins);
  }
  if (std::all_of(begin, end, [](Byte b) { return b == Byte::kZero; })) {
    return Reg::derived(Scalar::constant(0), slot.spill.origins);
  }
  return Reg::fresh(unknown_bytes(size));
}

Reg load_slot(Context& context, Slot& slot, unsigned byte, unsigned size) {
  if (slot.holds_pointer() && byte == 0 && size == 8) return slot.spill;
  Reg number = load_number(context, slot, byte, size);
  if (slot.holds_scalar() && slot.spill.stale && slot.bytes[byte] == Byte::kSpill) {  // parts of an address, too
    number.stale = true;
    number.was = slot.spill.was;
  }
  return number;
}

Reg load_stack(Context& context, State& state, const Reg& base, std::int64_t offset, unsigned size) {
  const Bytes bytes = touch(context, state, base, offset, size);
  Frame& frame = state.frames[base.frame];
  note_unwritten(context, frame, bytes);
  if (!bytes.exact || bytes.high - bytes.low != size || byte_index(bytes.low) + size > 8) {
    return Reg::fresh(unknown_bytes(size));
  }
  return load_slot(context, frame.stack[slot_index(bytes.low)], byte_index(bytes.low), size);
}

// Contents of a frozen map are constants.
Reg load_map(const Context& context, const Reg& base, std::int64_t offset, unsigned size) {
  const Reg unknown = Reg::fresh(unknown_bytes(size));
  if (context.program_map(base.map) < 0) return unknown;  // which map it is changes from run to run
  vm::Map& map = *context.program.maps[static_cast<std::size_t>(base.map)];
  const vm::MapSpec& spec = map.spec();
  if (!map.frozen() || spec.type != vm::MapType::kArray || spec.max_entries != 1 || !base.value.is_constant()) {
    return unknown;
  }
  const std::int64_t at = reach(base, offset).min;
  constexpr std::array<std::byte, 4> kFirst{};
  const std::byte* value = map.lookup(kFirst.data(), 0);
  if (value == nullptr || at < 0 || at + size > std::int64_t{spec.value_size}) return unknown;
  std::uint64_t number = 0;
  std::memcpy(&number, value + at, size);
  return Reg::constant(number);
}

Reg load_context(const Context& context, std::int64_t offset) {
  const vm::ContextField* field = vm::context_field(*context.program.type, offset);
  const vm::FieldKind kind = field == nullptr ? vm::FieldKind::kScalar32 : field->kind;
  switch (kind) {
    case vm::FieldKind::kPacket: return Reg::pointer(Type::kPacket);
    case vm::FieldKind::kPacketEnd: return Reg::pointer(Type::kPacketEnd);
    case vm::FieldKind::kPacketMeta: return Reg::pointer(Type::kPacketMeta);
    case vm::FieldKind::kScalar32: break;
  }
  return Reg::fresh(unknown_bytes(4));
}

Reg load(Context& context, State& state, const Reg& base, std::int64_t offset, unsigned size) {
  if (base.type == Type::kStack) return load_stack(context, state, base, offset, size);
  if (base.type == Type::kMapValue) return load_map(context, base, offset, size);
  if (base.type == Type::kContext) return load_context(context, offset);
  return Reg::fresh(unknown_bytes(size));
}

// Bytes [byte, byte + size) of the slot are about to change: what was spilled there is lost.
void break_spill(Slot& slot, unsigned byte, unsigned size) {
  for (unsigned i = byte; i < byte + size; ++i) {
    if (slot.bytes[i] == Byte::kSpill) return slot.forget_spill();
  }
}

void store_slot(Context& context, Slot& slot, unsigned byte, unsigned size, Reg& value) {
  if (context.options.as_linux) {
    std::ranges::replace_if(slot.bytes, [](Byte b) { return b == Byte::kSpill || b == Byte::kZero; }, Byte::kMisc);
  } else {
    break_spill(slot, byte, size);
  }
  Origins origins = size == 8 ? Origins::none() : slot.spill.origins;
  Byte kind = Byte::kMisc;
  if (value.is_null()) {
    kind = Byte::kZero;
    origins |= value.origins;
  } else if (byte == 0 && (value.is_scalar() || size == 8)) {
    kind = Byte::kSpill;
    const std::uint64_t limit = size == 8 ? UINT64_MAX : (std::uint64_t{1} << (8 * size)) - 1;
    if (value.is_scalar() && value.value.umax() > limit) {
      slot.spill = Reg::derived(zero_extend(value.value, size), value.origins);
    } else {
      if (value.is_scalar() && value.id == 0 && !value.value.is_constant()) value.id = context.new_id();
      slot.spill = value;
    }
    // Whatever was spilled here before reached no further: pointers fill the slot, numbers start at byte 0 too.
    std::ranges::replace(slot.bytes, Byte::kSpill, Byte::kMisc);
    origins |= value.origins;
  }
  slot.spill.origins = origins;
  std::fill_n(slot.bytes.begin() + byte, size, kind);
}

// Some of these bytes were written with something, or all of them; `zero`: with that number, which is 0, or null.
void smear(Frame& frame, const Bytes& bytes, const Reg* zero) {
  for (std::int64_t at = bytes.low; at < bytes.high; ++at) {
    Slot& slot = frame.stack[slot_index(at)];
    break_spill(slot, byte_index(at), 1);
    Byte& byte = slot.bytes[byte_index(at)];
    if (byte != Byte::kZero) continue;
    if (zero == nullptr) {
      byte = Byte::kMisc;
    } else {
      slot.spill.origins |= zero->origins;
    }
  }
}

void store_stack(Context& context, State& state, const Reg& base, std::int64_t offset, unsigned size, Reg& value) {
  const Bytes bytes = touch(context, state, base, offset, size);
  Frame& frame = state.frames[base.frame];
  if (!bytes.exact || bytes.high - bytes.low != size || byte_index(bytes.low) + size > 8) {
    smear(frame, bytes, value.is_null() ? &value : nullptr);
    return;
  }
  store_slot(context, frame.stack[slot_index(bytes.low)], byte_index(bytes.low), size, value);
}

}  // namespace

void transfer_load(Context& context, State& state) {
  const InsnRow& row = context.row(state.slot);
  const Insn& insn = context.insn(state.slot);
  const Reg base = state.reg(insn.src);
  record(context, state, base, insn.offset);
  Reg value = load(context, state, base, insn.offset, row.size);
  if (row.kind == vm::Kind::kLoadSigned) {
    value = Reg::derived(sign_extend(value.is_scalar() ? value.value : Scalar::unknown(), row.size), value.origins);
  }
  state.reg(insn.dst) = value;
}

void transfer_store(Context& context, State& state) {
  const InsnRow& row = context.row(state.slot);
  const Insn& insn = context.insn(state.slot);
  const Reg base = state.reg(insn.dst);
  record(context, state, base, insn.offset);
  if (base.type != Type::kStack) return;
  if (row.kind == vm::Kind::kStore) {
    store_stack(context, state, base, insn.offset, row.size, state.reg(insn.src));
    return;
  }
  Reg value = Reg::constant(static_cast<std::uint64_t>(std::int64_t{insn.imm}));
  if (row.size < 8) value = Reg::fresh(zero_extend(value.value, row.size));
  store_stack(context, state, base, insn.offset, row.size, value);
}

void transfer_atomic(Context& context, State& state) {
  const InsnRow& row = context.row(state.slot);
  const Insn& insn = context.insn(state.slot);
  const Reg base = state.reg(insn.dst);
  record(context, state, base, insn.offset);
  Reg before = Reg::fresh(unknown_bytes(row.size));
  if (base.type == Type::kStack) {
    before = load_stack(context, state, base, insn.offset, row.size);
    const Bytes bytes = touch(context, state, base, insn.offset, row.size);
    smear(state.frames[base.frame], bytes, nullptr);
  }
  if (!is_fetch(row.atomic())) return;
  const unsigned result = row.atomic() == vm::AtomicOp::kCompareExchange ? 0 : insn.src;
  state.reg(result) = before;
}

std::optional<Reg> constant_behind(Context& context, const State& state, const Reg& base, unsigned size) {
  const Reach where = reach(base, 0);
  const bool inside = where.fixed() && where.min >= kStackLow && where.min + size <= 0;
  if (base.type != Type::kStack || !inside || byte_index(where.min) + size > 8) return std::nullopt;
  const std::vector<Slot>& stack = state.frames[base.frame].stack;
  if (slot_index(where.min) >= stack.size()) return std::nullopt;
  Slot slot = stack[slot_index(where.min)];
  const auto spilled = static_cast<std::size_t>(std::ranges::count(slot.bytes, Byte::kSpill));
  if (context.options.as_linux && spilled != 0 && spilled != size) return std::nullopt;
  const Reg value = load_slot(context, slot, byte_index(where.min), size);
  if (!value.is_scalar() || !value.value.is_constant()) return std::nullopt;
  return value;
}

void helper_memory(Context& context, State& state, const Reg& base, std::int64_t size, bool reads, bool writes) {
  if (base.type != Type::kStack || size <= 0) return;
  const Bytes bytes = touch(context, state, base, 0, size);
  Frame& frame = state.frames[base.frame];
  if (reads) note_unwritten(context, frame, bytes);
  // A helper that fails may leave them unwritten: those stay so, and a later read has them cleared at entry.
  if (writes) smear(frame, bytes, nullptr);
}

}  // namespace sluice::verifier
