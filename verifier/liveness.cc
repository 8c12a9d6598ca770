#include "verifier/liveness.h"

#include <array>

#include "vm/helper_desc.h"
#include "vm/maps/map.h"

namespace sluice::verifier {
namespace {

using vm::Insn;
using vm::InsnRow;
using vm::Kind;

// Whether a register may point into a stack, and where.
struct StackValue {
  enum class Kind : std::uint8_t {
    kUnset,    // no path came here yet
    kNo,       // certainly not a stack pointer
    kOwn,      // r10 + offset of this frame
    kForeign,  // perhaps a pointer into a caller's stack, not into this frame's
    kAny,      // perhaps any stack pointer
  } kind = Kind::kUnset;
  std::int32_t offset = 0;

  [[nodiscard]] bool may_be_own() const { return kind == Kind::kOwn || kind == Kind::kAny; }
  [[nodiscard]] bool may_be_stack() const { return kind != Kind::kNo && kind != Kind::kUnset; }
  friend bool operator==(const StackValue&, const StackValue&) = default;
};
constexpr StackValue kNo{StackValue::Kind::kNo, 0};
constexpr StackValue kForeign{StackValue::Kind::kForeign, 0};
constexpr StackValue kAny{StackValue::Kind::kAny, 0};

StackValue join(const StackValue& a, const StackValue& b) {
  if (a.kind == StackValue::Kind::kUnset || a == b) return b;
  if (b.kind == StackValue::Kind::kUnset) return a;
  return a.may_be_own() || b.may_be_own() ? kAny : kForeign;
}

using StackValues = std::array<StackValue, vm::kRegisters>;

constexpr std::int64_t kIndexBytes = 4;  // of an array's key
constexpr std::uint64_t kAllSlots = ~std::uint64_t{0};
constexpr std::uint16_t bit(unsigned reg) { return static_cast<std::uint16_t>(1U << reg); }

// Slots that bytes [offset, offset + size) from r10 lie in; everything outside the stack is left out.
std::uint64_t slots_of(std::int64_t offset, std::int64_t size) {
  std::uint64_t mask = 0;
  for (std::int64_t i = 0; i < 64; ++i) {
    const std::int64_t low = -8 * (i + 1);
    if (low < offset + size && low + 8 > offset) mask |= std::uint64_t{1} << i;
  }
  return mask;
}

class Pass {
 public:
  Pass(const vm::LoadedProgram& program, const vm::HelperTable& helpers, const Cfg& cfg)
      : program_(program), helpers_(helpers), cfg_(cfg), stack_(program.insns.size()) {
    live_.before.resize(program.insns.size());
    live_.during.resize(program.insns.size());
  }

  Liveness run() {
    for (const std::uint32_t subprogram : cfg_.callees_first) {
      find_stack_values(subprogram);
      find_live(subprogram);
    }
    return std::move(live_);
  }

 private:
  // --- forwards: which registers point into the stack ---
  void find_stack_values(std::uint32_t subprogram) {
    const std::uint32_t start = cfg_.subprograms[subprogram].start;
    StackValues entry;
    entry.fill(kNo);
    if (subprogram != 0) {
      for (unsigned r = 1; r <= 5; ++r) entry[r] = kForeign;
    }
    entry[vm::kFrameRegister] = {StackValue::Kind::kOwn, 0};
    stack_[start] = entry;
    spilled_ = kNo;
    const StackValue in_callers = subprogram == 0 ? kNo : kForeign;
    for (bool changed = true; changed;) {
      changed = false;
      const StackValue spilled_before = spilled_;
      for (std::uint32_t slot = start; slot < cfg_.end_of(subprogram); ++slot) {
        if (cfg_.rows[slot] == nullptr || stack_[slot][vm::kFrameRegister].kind == StackValue::Kind::kUnset) continue;
        StackValues out = stack_[slot];
        step(slot, in_callers, out);
        for_each_successor(*cfg_.rows[slot], program_.insns[slot], slot, [&](std::uint32_t next) {
          if (next >= stack_.size()) return;
          for (unsigned r = 0; r < vm::kRegisters; ++r) {
            const StackValue joined = join(stack_[next][r], out[r]);
            changed |= joined != stack_[next][r];
            stack_[next][r] = joined;
          }
        });
      }
      changed |= spilled_ != spilled_before;
    }
  }

  void step(std::uint32_t slot, const StackValue& in_callers, StackValues& v) {
    const InsnRow& row = *cfg_.rows[slot];
    const Insn& insn = program_.insns[slot];
    switch (row.kind) {
      case Kind::kAlu: v[insn.dst] = alu_value(row, insn, v); break;
      case Kind::kEndian:
      case Kind::kLoadSigned:
      case Kind::kLoadImm64: v[insn.dst] = kNo; break;
      case Kind::kLoad:
        if (row.size < 8) {
          v[insn.dst] = kNo;
        } else {
          v[insn.dst] = loaded(v[insn.src], in_callers);
        }
        break;
      case Kind::kStore:
        if (v[insn.src].may_be_stack() && v[insn.dst].may_be_stack()) {
          spilled_ = join(spilled_, v[insn.src].may_be_own() ? kAny : kForeign);
        }
        break;
      case Kind::kAtomic:
        if (row.atomic() >= vm::AtomicOp::kFetchAdd) {
          const unsigned result = row.atomic() == vm::AtomicOp::kCompareExchange ? 0 : insn.src;
          v[result] = row.size < 8 ? kNo : loaded(v[insn.dst], in_callers);
        }
        break;
      case Kind::kCallHelper:
      case Kind::kCallLocal:
      case Kind::kCallKernel:
      case Kind::kLegacyLoad:
        for (unsigned r = 0; r <= 5; ++r) v[r] = kNo;
        break;
      case Kind::kStoreImm:
      case Kind::kGoto:
      case Kind::kBranch:
      case Kind::kExit: break;
    }
  }

  // What 8 bytes at `base` may be.
  [[nodiscard]] StackValue loaded(const StackValue& base, const StackValue& in_callers) const {
    if (base.may_be_own()) return join(spilled_, in_callers);
    return base == kNo ? kNo : in_callers;
  }

  static StackValue alu_value(const InsnRow& row, const Insn& insn, const StackValues& v) {
    if (!row.wide) return kNo;
    const bool by_reg = row.source == vm::Source::kReg;
    const StackValue source = by_reg ? v[insn.src] : kNo;
    if (row.alu() == vm::AluOp::kMov) return source;
    if (row.alu() != vm::AluOp::kAdd && row.alu() != vm::AluOp::kSub) return kNo;
    const StackValue& dst = v[insn.dst];
    if (!by_reg && dst.kind == StackValue::Kind::kOwn) {
      const std::int64_t offset =
          row.alu() == vm::AluOp::kAdd ? std::int64_t{dst.offset} + insn.imm : std::int64_t{dst.offset} - insn.imm;
      if (offset < -65536 || offset > 65536) return kAny;
      return {StackValue::Kind::kOwn, static_cast<std::int32_t>(offset)};
    }
    if (dst.may_be_own() || source.may_be_own()) return kAny;
    return dst.may_be_stack() || source.may_be_stack() ? kForeign : kNo;
  }

  // --- backwards: what may be read ---
  void find_live(std::uint32_t subprogram) {
    const std::uint32_t start = cfg_.subprograms[subprogram].start;
    for (bool changed = true; changed;) {
      changed = false;
      for (std::uint32_t slot = cfg_.end_of(subprogram); slot-- > start;) {
        if (cfg_.rows[slot] == nullptr) continue;
        Live live;
        for_each_successor(*cfg_.rows[slot], program_.insns[slot], slot, [&](std::uint32_t next) {
          if (next < live_.before.size()) live |= live_.before[next];
        });
        unstep(slot, live);
        changed |= live != live_.before[slot];
        live_.before[slot] = live;
      }
    }
  }

  static void define(Live& live, unsigned reg) {
    live.regs &= static_cast<std::uint16_t>(~bit(reg));
    live.precise_regs &= static_cast<std::uint16_t>(~bit(reg));
  }
  static void use(Live& live, unsigned reg, bool precise) {
    live.regs |= bit(reg);
    if (precise) live.precise_regs |= bit(reg);
  }
  static bool is_precise(const Live& live, unsigned reg) { return (live.precise_regs & bit(reg)) != 0; }

  // `live` after the instruction becomes `live` before it.
  void unstep(std::uint32_t slot, Live& live) {
    const InsnRow& row = *cfg_.rows[slot];
    const Insn& insn = program_.insns[slot];
    switch (row.kind) {
      case Kind::kAlu: unstep_alu(row, insn, live); break;
      case Kind::kEndian: use(live, insn.dst, is_precise(live, insn.dst)); break;
      case Kind::kLoad:
      case Kind::kLoadSigned: unstep_load(slot, row, insn, live); break;
      case Kind::kStore:
      case Kind::kStoreImm: unstep_store(slot, row, insn, live); break;
      case Kind::kAtomic: unstep_atomic(slot, row, insn, live); break;
      case Kind::kLoadImm64: define(live, insn.dst); break;
      case Kind::kGoto: break;
      case Kind::kBranch:
        use(live, insn.dst, true);
        if (row.source == vm::Source::kReg) use(live, insn.src, true);
        break;
      case Kind::kCallHelper: unstep_helper(slot, insn, live); break;
      case Kind::kCallLocal: unstep_call(slot, live); break;
      case Kind::kCallKernel:
      case Kind::kLegacyLoad: break;
      case Kind::kExit:
        live = {};
        use(live, 0, true);
        break;
    }
  }

  static void unstep_alu(const InsnRow& row, const Insn& insn, Live& live) {
    const bool precise = is_precise(live, insn.dst);
    const vm::AluOp op = row.alu();
    const bool moves =
        op == vm::AluOp::kMov || op == vm::AluOp::kMovsx8 || op == vm::AluOp::kMovsx16 || op == vm::AluOp::kMovsx32;
    if (moves) {
      define(live, insn.dst);
    } else {
      use(live, insn.dst, precise);
    }
    if (row.source == vm::Source::kReg) use(live, insn.src, precise);
  }

  void unstep_load(std::uint32_t slot, const InsnRow& row, const Insn& insn, Live& live) {
    const bool precise = is_precise(live, insn.dst);
    define(live, insn.dst);
    use(live, insn.src, true);
    read_stack(stack_[slot][insn.src], insn.offset, row.size, precise, live);
  }

  // A fetching one hands on what was in memory.
  void unstep_atomic(std::uint32_t slot, const InsnRow& row, const Insn& insn, Live& live) {
    const bool exchanges = row.atomic() == vm::AtomicOp::kCompareExchange;
    const unsigned result = exchanges ? 0 : insn.src;
    bool precise = false;
    if (row.atomic() >= vm::AtomicOp::kFetchAdd) {
      precise = is_precise(live, result);
      define(live, result);
    }
    if (exchanges) use(live, 0, false);
    use(live, insn.dst, true);
    use(live, insn.src, false);
    read_stack(stack_[slot][insn.dst], insn.offset, row.size, precise, live);
  }

  static void read_stack(const StackValue& base, std::int64_t offset, std::int64_t size, bool precise, Live& live) {
    if (!base.may_be_own()) return;
    const std::uint64_t slots = base.kind == StackValue::Kind::kOwn ? slots_of(base.offset + offset, size) : kAllSlots;
    live.slots |= slots;
    if (precise) live.precise_slots |= slots;
  }

  void unstep_store(std::uint32_t slot, const InsnRow& row, const Insn& insn, Live& live) {
    const StackValue& base = stack_[slot][insn.dst];
    bool precise = base.kind == StackValue::Kind::kForeign || base.kind == StackValue::Kind::kAny;
    if (base.kind == StackValue::Kind::kOwn) {
      const std::int64_t offset = std::int64_t{base.offset} + insn.offset;
      const std::uint64_t slots = slots_of(offset, row.size);
      precise = (live.precise_slots & slots) != 0;
      if (row.size == 8 && offset % 8 == 0) {
        live.slots &= ~slots;
        live.precise_slots &= ~slots;
      }
    }
    use(live, insn.dst, true);
    if (row.kind == Kind::kStore) use(live, insn.src, precise);
  }

  void unstep_helper(std::uint32_t slot, const Insn& insn, Live& live) {
    for (unsigned r = 0; r <= 5; ++r) define(live, r);
    const vm::HelperDesc* helper = helpers_.find(insn.imm);
    if (helper == nullptr) return;
    for (unsigned i = 0; i < helper->args.size(); ++i) {
      const vm::ArgKind kind = helper->args[i];
      if (kind == vm::ArgKind::kNone) continue;
      const bool any = kind == vm::ArgKind::kAnything || kind == vm::ArgKind::kScalar;
      const bool counts = helper->effect == vm::Effect::kTailCall || helper->effect == vm::Effect::kCallback;
      use(live, i + 1, !any || counts);
      if (any) continue;
      const StackValue& value = stack_[slot][i + 1];
      // How many bytes it reads is not known here: at most up to the top of the stack.
      read_stack(value, 0, value.kind == StackValue::Kind::kOwn ? -std::int64_t{value.offset} : 0, false, live);
      // An array's index decides whether a look-up may give null.
      const bool found = kind == vm::ArgKind::kMapKey && helper->ret == vm::RetKind::kMapValueOrNull;
      if (found && may_be_array(slot)) read_stack(value, 0, kIndexBytes, true, live);
      // The function that is called back may read all that it can get at from there.
      if (kind == vm::ArgKind::kCallbackContext && value.may_be_own()) live.slots = live.precise_slots = kAllSlots;
    }
    // It returns to the call, which then needs its arguments again.
    if (helper->effect == vm::Effect::kCallback) live_.during[slot] = live;
  }

  // Whether r1 of the call at `slot` may be an array: compilers load it close by, and then one can see.
  [[nodiscard]] bool may_be_array(std::uint32_t slot) const {
    while (cfg_.is_target[slot] == 0 && slot > 0) {
      if (cfg_.rows[--slot] == nullptr) --slot;  // the second half of an lddw
      const InsnRow& row = *cfg_.rows[slot];
      const Insn& insn = program_.insns[slot];
      const bool map = row.kind == Kind::kLoadImm64 && static_cast<vm::Imm64>(insn.src) == vm::Imm64::kMap;
      if (map && insn.dst == 1) {
        const vm::MapType type = program_.maps[static_cast<std::size_t>(insn.imm)]->spec().type;
        return type == vm::MapType::kArray || type == vm::MapType::kPercpuArray;
      }
      const bool elsewhere = row.kind == Kind::kLoadImm64 || row.kind == Kind::kAlu || row.kind == Kind::kLoad;
      const bool harmless = row.kind == Kind::kStore || row.kind == Kind::kStoreImm || row.kind == Kind::kBranch;
      if (!harmless && !(elsewhere && insn.dst != 1)) return true;
    }
    return true;
  }

  void unstep_call(std::uint32_t slot, Live& live) {
    for (unsigned r = 0; r <= 5; ++r) define(live, r);
    for (unsigned r = 1; r <= 5; ++r) {
      if (!stack_[slot][r].may_be_own()) continue;
      live.slots = kAllSlots;
      live.precise_slots = kAllSlots;
    }
    live_.during[slot] = live;
    const std::uint32_t callee = cfg_.subprograms[cfg_.callee(program_, slot)].start;
    constexpr std::uint16_t kArguments = 0b111110;
    live.regs |= live_.before[callee].regs & kArguments;
    live.precise_regs |= live_.before[callee].precise_regs & kArguments;
  }

  const vm::LoadedProgram& program_;
  const vm::HelperTable& helpers_;
  const Cfg& cfg_;
  Liveness live_;
  std::vector<StackValues> stack_;  // before each slot
  StackValue spilled_;              // joined over all stack pointers that the current sub-program stores into a stack
};

}  // namespace

Liveness find_liveness(const vm::LoadedProgram& program, const vm::HelperTable& helpers, const Cfg& cfg) {
  return Pass(program, helpers, cfg).run();
}

}  // namespace sluice::verifier
