#pragma once
// What the verifier knows at one point of one path: registers and stack of every frame of the call chain. Values;
// internal to the verifier.
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "verifier/origins.h"
#include "verifier/scalar.h"
#include "vm/isa.h"

namespace sluice::verifier {

enum class Type : std::uint8_t {
  kNothing,  // nobody wrote it
  kScalar,
  kContext,
  kPacket,          // data + variable part + offset
  kPacketEnd,       // data_end
  kPacketMeta,      // data_meta + variable part + offset
  kStack,           // r10 of `frame` + variable part + offset
  kMap,             // a map itself
  kMapValue,        // value of `map` + variable part + offset
  kMapValueOrNull,  // what a look-up gives, before the null check; an inner map or null when `map` is a map of maps
  kMemory,          // memory of `range` bytes: of program type `memory`, or lent to a global function
  kMemoryOrNull,    // the latter before the null check
  kMapKey,          // key of an element of `map` + variable part + offset, read-only
  kFunction,        // address of the sub-program numbered `map`
  kRecord,          // memory that was handed out and must be given back + variable part + offset
  kRecordOrNull,    // the same before the null check
  kSocket,          // a socket that was looked up and must be given back; read-only, no arithmetic
  kSocketOrNull,
  kSocketCommon,  // one in any state: only what all states have may be read
  kSocketCommonOrNull,
};

// A socket once it is known not to be null.
constexpr bool is_socket(Type type) noexcept { return type == Type::kSocket || type == Type::kSocketCommon; }
constexpr bool is_handed_out(Type type) noexcept { return type == Type::kRecord || is_socket(type); }
// What a pointer of may_be_null is once null is ruled out; not so what a look-up in a map of maps gave.
constexpr Type without_null(Type type) noexcept {
  constexpr std::array<std::pair<Type, Type>, 5> kPairs{{{Type::kMapValueOrNull, Type::kMapValue},
                                                         {Type::kRecordOrNull, Type::kRecord},
                                                         {Type::kMemoryOrNull, Type::kMemory},
                                                         {Type::kSocketOrNull, Type::kSocket},
                                                         {Type::kSocketCommonOrNull, Type::kSocketCommon}}};
  for (const auto& [either, pointer] : kPairs) {
    if (type == either) return pointer;
  }
  return type;
}

constexpr bool may_be_null(Type type) noexcept { return without_null(type) != type; }

constexpr std::int64_t kMaxOffset = 1 << 29;      // BPF_MAX_VAR_OFF, linux/bpf_verifier.h
constexpr std::int64_t kMaxPacketOffset = 65535;  // MAX_PACKET_OFF, kernel/bpf/verifier.c

struct Reg {
  Type type = Type::kNothing;
  std::uint8_t frame = 0;  // kStack: index into State::frames; kMapKey: the callback it is lent to
  std::int32_t map = -1;   // kMap, kMapValue, kMapValueOrNull, kMapKey: Context::map; kFunction: Cfg::subprograms
  // Scalars of one id are equal but for their deltas; packet pointers of one id share their variable part (0: there is
  // none); or-null pointers of one id come from one look-up, as do pointers to values that hold a lock; records and
  // sockets of one id are one, see State::references.
  std::uint32_t id = 0;
  std::int32_t delta = 0;        // scalars with an id: what was added since the copy was made
  bool stale = false;            // scalars: a pointer until a call made it void, now some number
  Type was = Type::kPacket;      // stale numbers: what it was: kPacket, kRecord, kSocket or kMapKey
  bool narrow = false;           // scalars with an id: it was added in 32 bits, the upper half is 0
  std::int32_t range = 0;        // packet kinds: bytes proven from the variable part on; records, memory: their size
  std::uint8_t past_end = 0;     // kPacket: 1 = a compare showed it at data_end or beyond, 2 = beyond
  std::uint32_t made_at = 0;     // for messages: slot that added the variable part
  std::uint32_t checked_at = 0;  // for messages: slot of the compare that proved `range`
  std::int64_t offset = 0;       // pointers: constant part, |offset| <= kMaxOffset
  Scalar value = Scalar::unknown();  // scalars: the value; pointers: the variable part
  // Scalars: what `value` and `id` were computed from. Pointers: none, they are always compared whole; whoever lets a
  // number decide anything (a branch, a pointer, a size, a fact) tells Context::demand.
  Origins origins;

  // The same number on every run.
  [[nodiscard]] bool is_linked_like(const Reg& other) const noexcept {
    return id == other.id && delta == other.delta && narrow == other.narrow;
  }
  [[nodiscard]] bool is_scalar() const noexcept { return type == Type::kScalar; }
  [[nodiscard]] bool is_pointer() const noexcept { return type != Type::kNothing && type != Type::kScalar; }
  [[nodiscard]] bool is_null() const noexcept {
    return is_scalar() && value.is_constant() && value.constant_value() == 0;
  }
  [[nodiscard]] bool is_packet() const noexcept { return type == Type::kPacket || type == Type::kPacketMeta; }

  static Reg nothing() { return {}; }
  // A number computed from what `origins` say.
  static Reg derived(const Scalar& value, const Origins& origins) {
    Reg reg;
    reg.type = Type::kScalar;
    reg.value = value;
    reg.origins = origins;
    return reg;
  }
  // A number that might come from anything: safe when in doubt, and costly.
  static Reg scalar(const Scalar& value) { return derived(value, Origins::all()); }
  // A number that would be described thus whatever the numbers in the state were.
  static Reg fresh(const Scalar& value) { return derived(value, Origins::none()); }
  static Reg unknown() { return fresh(Scalar::unknown()); }
  // What is left of a pointer that a call made void: an address still, as a number.
  static Reg void_pointer(Type was) {
    Reg reg = unknown();
    reg.stale = true;
    reg.was = was;
    return reg;
  }
  static Reg constant(std::uint64_t value) { return fresh(Scalar::constant(value)); }
  static Reg pointer(Type type) {
    Reg reg;
    reg.type = type;
    reg.value = Scalar::constant(0);
    return reg;
  }
};

enum class Byte : std::uint8_t {
  kInvalid,  // nobody wrote it
  kMisc,     // some byte
  kZero,
  kSpill,  // part of Slot::spill
};

// Eight aligned bytes of stack. A pointer spill marks all bytes kSpill, a scalar spill its lowest 1, 2, 4 or 8.
struct Slot {
  std::array<Byte, 8> bytes{};
  Reg spill;  // its origins are those of the whole slot, also when nothing is spilled: zeros have some

  [[nodiscard]] bool holds_pointer() const noexcept { return bytes[7] == Byte::kSpill && spill.is_pointer(); }
  [[nodiscard]] bool holds_scalar() const noexcept { return bytes[0] == Byte::kSpill && spill.is_scalar(); }
  [[nodiscard]] bool has_invalid() const noexcept;
  [[nodiscard]] bool holds_number() const noexcept;             // something is known of bytes that are no pointer
  [[nodiscard]] bool is_zero(std::size_t byte) const noexcept;  // by itself or as part of a spilled 0
  void forget_spill() noexcept;                                 // its bytes become kMisc
};

struct Frame {
  std::array<Reg, vm::kRegisters> regs;
  std::vector<Slot> stack;       // [i] covers r10-8*(i+1) .. r10-8*i-1; grows as it is written
  std::uint32_t subprogram = 0;  // index into Cfg::subprograms
  std::uint32_t call_site = 0;   // slot of the call in the frame below; unused in frame 0
  bool is_callback = false;      // entered from the helper called there
  // Of the helper called in this frame that calls back: a number of its own, 0 = there is none, and the callbacks that
  // have returned so far.
  std::uint32_t activation = 0;
  std::uint32_t rounds = 0;

  // Makes room so that r10+offset (negative) exists.
  void reserve(std::int64_t offset);
};

// A record or socket that was handed out and not given back yet.
struct Reference {
  std::uint32_t id = 0;       // Reg::id
  std::uint32_t slot = 0;     // for messages: the call that handed it out
  Type type = Type::kRecord;  // is_handed_out
};

// The lock that is held: in the value of `map` that look-up `id` gave.
struct HeldLock {
  std::int32_t map = -1;  // Context::map; -1 = none is held
  std::uint32_t id = 0;
  std::uint32_t slot = 0;  // for messages: the call that took it
};

struct State {
  std::vector<Frame> frames;
  std::vector<Reference> references;  // oldest first
  HeldLock lock;
  std::uint32_t slot = 0;  // the next instruction

  [[nodiscard]] Frame& top() noexcept { return frames.back(); }
  [[nodiscard]] const Frame& top() const noexcept { return frames.back(); }
  [[nodiscard]] Reg& reg(unsigned number) noexcept { return frames.back().regs[number]; }
  [[nodiscard]] const Reg& reg(unsigned number) const noexcept { return frames.back().regs[number]; }

  // The record or socket is the program's no more: its pointers are numbers that may be read, as in Linux.
  void give_back(std::uint32_t id);

  // Calls `f(Reg&)` for every register and every spilled register of all frames.
  template <typename F>
  void for_each(F&& f) {
    for (Frame& frame : frames) {
      for (Reg& reg : frame.regs) f(reg);
      for (Slot& slot : frame.stack) {
        if (slot.bytes[0] == Byte::kSpill) f(slot.spill);
      }
    }
  }
};

// The state at the first instruction of a frame: r10 set, nothing else.
Frame fresh_frame(std::uint8_t index, std::uint32_t subprogram);

}  // namespace sluice::verifier
