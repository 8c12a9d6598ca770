#include "verifier/prune.h"

#include <algorithm>
#include <array>
#include <bit>

namespace sluice::verifier {
namespace {

// Which id of the new state plays the part of each id of the old one. Registers that shared an id when the old state
// was proven must share one now.
class IdMap {
 public:
  bool match(std::uint32_t old_id, std::uint32_t new_id) {
    if (old_id == 0) return true;  // nothing was known to be linked
    for (std::size_t i = 0; i < count_; ++i) {
      if (pairs_[i].old_id == old_id) return pairs_[i].new_id == new_id && new_id != 0;
    }
    if (count_ == pairs_.size()) return false;
    pairs_[count_++] = {old_id, new_id};
    return true;
  }
  // The same where having none tells something, too: then both have none.
  bool match_or_none(std::uint32_t old_id, std::uint32_t new_id) {
    return (old_id == 0) == (new_id == 0) && match(old_id, new_id);
  }

 private:
  struct Pair {
    std::uint32_t old_id, new_id;
  };
  std::array<Pair, 128> pairs_;
  std::size_t count_ = 0;
};

// What may still be read of frame `i`.
const Live& live_in(const Context& context, const State& state, std::size_t i) {
  const bool top = i + 1 == state.frames.size();
  return top ? context.live.before[state.slot] : context.live.during[state.frames[i + 1].call_site];
}

class Hash {
 public:
  void add(std::uint64_t x) { sum_ = (std::rotl(sum_, 23) ^ x) * 0x9e3779b97f4a7c15U; }
  [[nodiscard]] std::uint64_t result() const { return (sum_ ^ sum_ >> 32) | 1U; }  // never kAnyShape

 private:
  std::uint64_t sum_ = 0;
};

class Comparison {
 public:
  Comparison(const Context& context, Containment how, const Origins& precise)
      : context_(context), how_(how), precise_(precise) {}

  // Where the numbers come from that were compared.
  [[nodiscard]] const Origins& demanded() const noexcept { return demanded_; }

  bool states(const State& old, const State& fresh) {
    if (old.frames.size() != fresh.frames.size()) return false;
    for (std::size_t i = 0; i < old.frames.size(); ++i) {
      if (i > 0 && old.frames[i].call_site != fresh.frames[i].call_site) return false;
      if (old.frames[i].rounds > fresh.frames[i].rounds) return false;  // it has more rounds left to go
    }
    for (std::size_t i = old.frames.size(); i-- > 0;) {
      const Live& live = how_ == Containment::kExact ? all() : live_in(context_, old, i);
      if (!frames(old.frames[i], fresh.frames[i], live)) return false;
    }
    return held(old, fresh);
  }

 private:
  static const Live& all() {
    static constexpr Live kAll{0xffff, 0xffff, ~std::uint64_t{0}, ~std::uint64_t{0}};
    return kAll;
  }

  // Locks held, and records and sockets not given back yet.
  bool held(const State& old, const State& fresh) {
    if (old.lock.map != fresh.lock.map || !value_ids_.match_or_none(old.lock.id, fresh.lock.id)) return false;
    return std::ranges::equal(old.references, fresh.references, [this](const Reference& a, const Reference& b) {
      return reference_ids_.match(a.id, b.id);
    });
  }

  bool frames(const Frame& old, const Frame& fresh, const Live& live) {
    for (unsigned r = 0; r < vm::kFrameRegister; ++r) {
      if ((live.regs >> r & 1U) == 0) continue;
      if (!regs(old.regs[r], fresh.regs[r], counts(old.regs[r], live.precise_regs, r))) return false;
    }
    const std::size_t depth = std::max(old.stack.size(), fresh.stack.size());
    static const Slot kUnwritten;
    for (std::size_t i = 0; i < depth; ++i) {
      if ((live.slots >> i & 1U) == 0) continue;
      const Slot& before = i < old.stack.size() ? old.stack[i] : kUnwritten;
      const Slot& now = i < fresh.stack.size() ? fresh.stack[i] : kUnwritten;
      if (!slots(before, now, counts(before.spill, live.precise_slots, i))) return false;
    }
    return true;
  }

  // Whether the number of this register or slot of the old state matters; `by_pass`: Live's mask, `index` in it.
  [[nodiscard]] bool counts(const Reg& old, std::uint64_t by_pass, std::size_t index) const {
    switch (how_) {
      case Containment::kPrecise: return old.origins.meets(precise_);
      case Containment::kMayMatter: return (by_pass >> index & 1U) != 0;
      case Containment::kExact: break;
    }
    return true;
  }

  bool regs(const Reg& old, const Reg& fresh, bool precise) {
    if (old.type == Type::kNothing) return how_ != Containment::kExact || fresh.type == Type::kNothing;
    if (old.type != fresh.type) return false;
    switch (old.type) {
      case Type::kNothing:
      case Type::kPacketEnd: return true;
      case Type::kScalar:
        if (fresh.stale && !old.stale) return false;  // may be stored in fewer places
        if (!precise) return true;
        demanded_ |= fresh.origins;
        return fresh.value.is_subset_of(old.value) &&
               (old.id == 0 || (old.delta == fresh.delta && old.narrow == fresh.narrow)) &&
               ids_.match(old.id, fresh.id);
      case Type::kMap:
      case Type::kFunction: return old.map == fresh.map;
      case Type::kMapValueOrNull: return old.map == fresh.map && or_null_ids_.match(old.id, fresh.id);
      case Type::kPacket:
      case Type::kPacketMeta:
        if (old.range > fresh.range || old.past_end > fresh.past_end) return false;
        if ((old.id == 0) != (fresh.id == 0)) return false;
        return places(old, fresh) && packet_ids_.match(old.id, fresh.id);
      case Type::kStack: return old.frame == fresh.frame && places(old, fresh);
      case Type::kMapKey: return old.map == fresh.map && old.frame == fresh.frame && places(old, fresh);
      case Type::kMapValue:
        return old.map == fresh.map && places(old, fresh) && value_ids_.match_or_none(old.id, fresh.id);
      case Type::kRecord:
      case Type::kRecordOrNull:
        return old.range == fresh.range && places(old, fresh) && reference_ids_.match(old.id, fresh.id);
      case Type::kSocket:
      case Type::kSocketOrNull:
      case Type::kSocketCommon:
      case Type::kSocketCommonOrNull: return places(old, fresh) && reference_ids_.match(old.id, fresh.id);
      case Type::kContext: return places(old, fresh);
      case Type::kMemory: return old.range == fresh.range && places(old, fresh);
      case Type::kMemoryOrNull: return old.range == fresh.range && or_null_ids_.match(old.id, fresh.id);
    }
    return false;
  }

  static bool places(const Reg& old, const Reg& fresh) {
    return old.offset == fresh.offset && fresh.value.is_subset_of(old.value);
  }

  bool slots(const Slot& old, const Slot& fresh, bool precise) {
    if (old.holds_pointer() || fresh.holds_pointer()) {
      return old.holds_pointer() && fresh.holds_pointer() && regs(old.spill, fresh.spill, true);
    }
    const bool was_stale = old.holds_scalar() && old.spill.stale;
    if (fresh.holds_scalar() && fresh.spill.stale && !was_stale) return false;
    if (!precise) return true;
    demanded_ |= fresh.spill.origins;
    bool compare_spill = false;
    for (std::size_t i = 0; i < old.bytes.size(); ++i) {
      switch (old.bytes[i]) {
        case Byte::kInvalid:
        case Byte::kMisc: break;  // any number will do
        case Byte::kZero:
          if (!fresh.is_zero(i)) return false;
          break;
        case Byte::kSpill:
          if (fresh.bytes[i] == Byte::kZero && old.is_zero(i) && old.spill.id == 0) break;
          if (fresh.bytes[i] != Byte::kSpill) return false;
          compare_spill = true;
          break;
      }
    }
    // The spills must be equally wide: loads of the whole width give the register itself.
    return !compare_spill ||
           (std::ranges::count(old.bytes, Byte::kSpill) == std::ranges::count(fresh.bytes, Byte::kSpill) &&
            regs(old.spill, fresh.spill, true));
  }

  const Context& context_;
  Containment how_;
  Origins precise_, demanded_;
  IdMap ids_, or_null_ids_, packet_ids_, value_ids_, reference_ids_;
};

}  // namespace

bool covers(const Context& context, const State& old, const State& fresh, Containment how, const Origins& precise,
            Origins& demanded) {
  Comparison comparison(context, how, precise);
  if (!comparison.states(old, fresh)) return false;
  demanded |= comparison.demanded();
  return true;
}

Fingerprint fingerprint(const Context& context, const State& state) {
  Hash shape;
  Hash values;
  bool any_shape = false;
  shape.add(state.frames.size());
  shape.add(state.references.size() << 32 | static_cast<std::uint32_t>(state.lock.map));
  for (std::size_t i = 0; i < state.frames.size(); ++i) {
    const Frame& frame = state.frames[i];
    const Live& live = live_in(context, state, i);
    if (i > 0) shape.add(frame.call_site);
    for (std::uint32_t left = live.regs & 0x3ffU; left != 0; left &= left - 1) {
      const auto r = static_cast<unsigned>(std::countr_zero(left));
      const Reg& reg = frame.regs[r];
      any_shape |= reg.type == Type::kNothing;  // covers whatever is there
      shape.add(static_cast<std::uint64_t>(reg.type) << 32 | static_cast<std::uint32_t>(reg.map));
      if (reg.is_pointer()) shape.add(static_cast<std::uint64_t>(reg.offset));
      const bool may_matter = (live.precise_regs >> r & 1U) != 0;
      if (reg.is_pointer() || may_matter) {
        values.add(reg.value.umin());
        values.add(reg.value.umax());
      }
    }
  }
  values.add(shape.result());
  return {any_shape ? kAnyShape : shape.result(), values.result()};
}

void note_unwritten_slots(Context& context, const State& fresh) {
  for (std::size_t i = 0; i < fresh.frames.size(); ++i) {
    const Frame& frame = fresh.frames[i];
    const Live& live = live_in(context, fresh, i);
    // Slots beyond what this path touched were touched by others, if at all.
    const std::size_t depth = context.frame_bytes[frame.subprogram] / 8;
    for (std::size_t slot = 0; slot < depth; ++slot) {
      if ((live.slots >> slot & 1U) == 0) continue;
      if (slot >= frame.stack.size() || frame.stack[slot].has_invalid()) {
        context.clear[frame.subprogram] |= std::uint64_t{1} << slot;
      }
    }
  }
}

}  // namespace sluice::verifier
