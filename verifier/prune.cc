#include "verifier/prune.h"

#include <algorithm>
#include <array>

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

 private:
  struct Pair {
    std::uint32_t old_id, new_id;
  };
  std::array<Pair, 128> pairs_;
  std::size_t count_ = 0;
};

class Comparison {
 public:
  Comparison(const Context& context, bool exact) : context_(context), exact_(exact) {}

  bool states(const State& old, const State& fresh) {
    if (old.frames.size() != fresh.frames.size()) return false;
    for (std::size_t i = 0; i < old.frames.size(); ++i) {
      if (i > 0 && old.frames[i].call_site != fresh.frames[i].call_site) return false;
    }
    for (std::size_t i = old.frames.size(); i-- > 0;) {
      const bool top = i + 1 == old.frames.size();
      const Live& live = top ? context_.live.before[old.slot] : context_.live.during[old.frames[i + 1].call_site];
      if (!frames(old.frames[i], fresh.frames[i], exact_ ? all() : live)) return false;
    }
    return true;
  }

 private:
  static const Live& all() {
    static constexpr Live kAll{0xffff, 0xffff, ~std::uint64_t{0}, ~std::uint64_t{0}};
    return kAll;
  }

  bool frames(const Frame& old, const Frame& fresh, const Live& live) {
    for (unsigned r = 0; r < vm::kFrameRegister; ++r) {
      if ((live.regs >> r & 1U) != 0 && !regs(old.regs[r], fresh.regs[r], (live.precise_regs >> r & 1U) != 0))
        return false;
    }
    const std::size_t depth = std::max(old.stack.size(), fresh.stack.size());
    static const Slot kUnwritten;
    for (std::size_t i = 0; i < depth; ++i) {
      if ((live.slots >> i & 1U) == 0) continue;
      const Slot& before = i < old.stack.size() ? old.stack[i] : kUnwritten;
      const Slot& now = i < fresh.stack.size() ? fresh.stack[i] : kUnwritten;
      if (!slots(before, now, (live.precise_slots >> i & 1U) != 0)) return false;
    }
    return true;
  }

  bool regs(const Reg& old, const Reg& fresh, bool precise) {
    if (old.type == Type::kNothing) return !exact_ || fresh.type == Type::kNothing;
    if (old.type != fresh.type) return false;
    switch (old.type) {
      case Type::kNothing:
      case Type::kPacketEnd: return true;
      case Type::kScalar:
        if (fresh.stale && !old.stale) return false;  // may be stored in fewer places
        if (!precise) return true;
        return fresh.value.is_subset_of(old.value) &&
               (old.id == 0 || (old.delta == fresh.delta && old.narrow == fresh.narrow)) &&
               ids_.match(old.id, fresh.id);
      case Type::kMap: return old.map == fresh.map;
      case Type::kMapValueOrNull: return old.map == fresh.map && or_null_ids_.match(old.id, fresh.id);
      case Type::kPacket:
      case Type::kPacketMeta:
        if (old.range > fresh.range || old.past_end > fresh.past_end) return false;
        if ((old.id == 0) != (fresh.id == 0)) return false;
        return places(old, fresh) && packet_ids_.match(old.id, fresh.id);
      case Type::kStack: return old.frame == fresh.frame && places(old, fresh);
      case Type::kMapValue: return old.map == fresh.map && places(old, fresh);
      case Type::kContext:
      case Type::kMemory: return places(old, fresh);
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
    bool compare_spill = false;
    for (std::size_t i = 0; i < old.bytes.size(); ++i) {
      switch (old.bytes[i]) {
        case Byte::kInvalid:
        case Byte::kMisc: break;  // any number will do
        case Byte::kZero:
          if (fresh.bytes[i] != Byte::kZero) return false;
          break;
        case Byte::kSpill:
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
  bool exact_;
  IdMap ids_, or_null_ids_, packet_ids_;
};

}  // namespace

bool covers(const Context& context, const State& old, const State& fresh, bool exact) {
  return Comparison(context, exact).states(old, fresh);
}

void note_unwritten_slots(Context& context, const State& fresh) {
  for (std::size_t i = 0; i < fresh.frames.size(); ++i) {
    const Frame& frame = fresh.frames[i];
    const bool top = i + 1 == fresh.frames.size();
    const Live& live = top ? context.live.before[fresh.slot] : context.live.during[fresh.frames[i + 1].call_site];
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
