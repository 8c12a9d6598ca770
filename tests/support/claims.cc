#include "tests/support/claims.h"

#include <algorithm>
#include <cstring>
#include <random>

#include <fmt/format.h>

#include "verifier/context.h"
#include "verifier/prune.h"
#include "vm/maps/map.h"

namespace sluice::testing_support {
namespace {

using verifier::Byte;
using verifier::Frame;
using verifier::Live;
using verifier::Reg;
using verifier::Scalar;
using verifier::Slot;
using verifier::State;
using verifier::Type;
using u64 = std::uint64_t;

constexpr Live kEverything{0xffff, 0xffff, ~u64{0}, ~u64{0}};
constexpr std::size_t kComparedStates = 16;  // remembered states that a new one is compared with
constexpr std::size_t kLongestFrame = 9000;

u64 number(const void* pointer) { return reinterpret_cast<u64>(pointer); }

u64 load(u64 address, std::size_t size) {
  u64 value = 0;
  std::memcpy(&value, reinterpret_cast<const void*>(address), size);
  return value;
}

// What one id stands for in this machine; the second user of an id must agree with the first.
class Links {
 public:
  bool agree(std::uint32_t id, u64 value) {
    if (id == 0) return true;
    for (const auto& [known, its] : links_) {
      if (known == id) return its == value;
    }
    links_.emplace_back(id, value);
    return true;
  }

 private:
  std::vector<std::pair<std::uint32_t, u64>> links_;
};

// One remembered state against the machine.
class Embedding {
 public:
  Embedding(const State& state, const vm::MachineView& machine, const verifier::Liveness& live, bool everything,
            std::span<const vm::Map* const> maps, std::size_t own_maps)
      : state_(state),
        machine_(machine),
        live_(live),
        everything_(everything),
        maps_(maps),
        own_maps_(own_maps),
        base_(machine.frames.size() - state.frames.size()) {}

  // Empty, or what lies outside.
  std::string mismatch() {
    if (!same_chain()) return "the call chain is another one";
    for (std::size_t i = state_.frames.size(); i-- > 0;) {
      const bool top = i + 1 == state_.frames.size();
      const Live& live = everything_ ? kEverything
                         : top       ? live_.before[state_.slot]
                                     : live_.during[state_.frames[i + 1].call_site];
      if (std::string what = frame(i, top, live); !what.empty()) return what;
    }
    return {};
  }

 private:
  [[nodiscard]] bool same_chain() const {
    // A global sub-program was walked on its own, with nothing known of its callers. What a timer calls has none.
    const bool alone = state_.frames.front().subprogram != 0 && !state_.frames.front().is_callback;
    if (state_.frames.size() > machine_.frames.size() || (base_ != 0) != alone) return false;
    for (std::size_t i = 1; i < state_.frames.size(); ++i) {
      if (state_.frames[i].call_site != machine_.frames[base_ + i].call_site) return false;
    }
    return true;
  }

  std::string frame(std::size_t index, bool top, const Live& live) {
    const Frame& claimed = state_.frames[index];
    const auto& regs = machine_.frames[base_ + index].regs;
    for (unsigned r = top ? 0 : 6; r < vm::kRegisters; ++r) {
      if (r != vm::kFrameRegister && (live.regs >> r & 1U) == 0) continue;
      if (!holds(claimed.regs[r], regs[r], everything_)) {
        return fmt::format("frame {}: r{}={:#x}", index, r, regs[r]);
      }
    }
    for (std::size_t i = 0; i < claimed.stack.size(); ++i) {
      if ((live.slots >> i & 1U) == 0) continue;
      const u64 address = regs[vm::kFrameRegister] - 8 * (i + 1);
      if (!slot(claimed.stack[i], address, everything_)) {
        return fmt::format("frame {}: r10-{} holds {:#x}", index, 8 * (i + 1), load(address, 8));
      }
    }
    return {};
  }

  bool slot(const Slot& claimed, u64 address, bool precise) {
    if (claimed.holds_pointer()) return holds(claimed.spill, load(address, 8), true);
    if (!precise) return true;
    for (std::size_t i = 0; i < claimed.bytes.size(); ++i) {
      if (claimed.bytes[i] == Byte::kZero && load(address + i, 1) != 0) return false;
    }
    const auto size = static_cast<std::size_t>(std::ranges::count(claimed.bytes, Byte::kSpill));
    return !claimed.holds_scalar() || holds(claimed.spill, load(address, size), true);
  }

  bool holds(const Reg& claimed, u64 value, bool precise) {
    switch (claimed.type) {
      case Type::kNothing: return true;
      case Type::kScalar:
        if (!precise) return true;
        return claimed.value.contains(value) && linked(claimed, value - static_cast<u64>(std::int64_t{claimed.delta}));
      case Type::kContext: return at(claimed, value, number(machine_.frame));
      case Type::kPacket: return packet(claimed, value, number(machine_.frame->data), number(machine_.frame->data_end));
      case Type::kPacketMeta:
        return packet(claimed, value, number(machine_.frame->data_meta), number(machine_.frame->data));
      case Type::kPacketEnd: return value == number(machine_.frame->data_end);
      case Type::kStack: return at(claimed, value, machine_.frames[base_ + claimed.frame].regs[vm::kFrameRegister]);
      case Type::kMap: return is_map(claimed.map, value);
      case Type::kFunction:
        return static_cast<std::size_t>(claimed.map) < machine_.program.program().subprograms.size() &&
               value == machine_.program.program().subprograms[static_cast<std::size_t>(claimed.map)].start;
      case Type::kMapKey: return value != 0;  // the checker holds every access against the key
      case Type::kMapValue: return in_value(claimed, value);
      case Type::kMapValueOrNull: return or_null_.agree(claimed.id, value) && (value == 0 || in_value(claimed, value));
      case Type::kMemory:
        if (machine_.frame != nullptr) return value != 0;  // lent: the checker holds every access against its owner
        return at(claimed, value, number(machine_.memory.data));
      case Type::kMemoryOrNull: return or_null_.agree(claimed.id, value);
      case Type::kRecord: return in_record(claimed, value);
      case Type::kSocket:
      case Type::kSocketCommon: return machine_.owned.sockets().contains(value);
      case Type::kSocketOrNull:
      case Type::kSocketCommonOrNull:
        return or_null_.agree(claimed.id, value) && (value == 0 || machine_.owned.sockets().contains(value));
      case Type::kRecordOrNull: return or_null_.agree(claimed.id, value) && (value == 0 || in_record(claimed, value));
    }
    return false;
  }

  // Sums of 32 bits have only the low half in common with the others of their id.
  bool linked(const Reg& claimed, u64 value) {
    if (!halves_.agree(claimed.id, static_cast<std::uint32_t>(value))) return false;
    return claimed.narrow || numbers_.agree(claimed.id, value);
  }

  // The variable part when what the pointer points into begins at `start`.
  static u64 variable(const Reg& pointer, u64 value, u64 start) {
    return value - start - static_cast<u64>(pointer.offset);
  }
  static bool at(const Reg& pointer, u64 value, u64 start) {
    return pointer.value.contains(variable(pointer, value, start));
  }

  bool packet(const Reg& pointer, u64 value, u64 start, u64 end) {
    const u64 part = variable(pointer, value, start);
    if (!pointer.value.contains(part) || !packets_.agree(pointer.id, part)) return false;
    // Addresses are far from wrapping around: both differences are small or wrong.
    return pointer.range <= 0 || (part <= end - start && static_cast<u64>(pointer.range) <= end - start - part);
  }

  [[nodiscard]] bool is_own(std::int32_t map) const { return map >= 0 && static_cast<std::size_t>(map) < own_maps_; }

  [[nodiscard]] bool is_map(std::int32_t map, u64 value) const {
    if (is_own(map)) return value == number(maps_[static_cast<std::size_t>(map)]);
    return std::ranges::any_of(machine_.owned.inner_maps(), [&](const vm::Map* one) { return value == number(one); });
  }

  // A value of that map, or for what a map of maps gave: an inner map, a value of one.
  [[nodiscard]] bool in_value(const Reg& pointer, u64 value) const {
    const vm::Map* const map = maps_[static_cast<std::size_t>(pointer.map)];
    if (pointer.type == Type::kMapValueOrNull && dynamic_cast<const vm::MapOfMaps*>(map) != nullptr) {
      return is_map(-1, value);
    }
    return std::ranges::any_of(machine_.owned.values(), [&](const auto& one) {
      const bool fits =
          is_own(pointer.map) ? one.second == map : one.second->spec().value_size == map->spec().value_size;
      return fits && at(pointer, value, number(one.first));
    });
  }

  [[nodiscard]] bool in_record(const Reg& pointer, u64 value) const {
    return std::ranges::any_of(machine_.owned.records(), [&](const auto& one) {
      return one.second == static_cast<u64>(pointer.range) && at(pointer, value, one.first);
    });
  }

  const State& state_;
  const vm::MachineView& machine_;
  const verifier::Liveness& live_;
  bool everything_;
  std::span<const vm::Map* const> maps_;
  std::size_t own_maps_;
  std::size_t base_;  // index of the machine's frame that is the state's first
  Links numbers_, halves_, packets_, or_null_;
};

}  // namespace

void Claims::note_lengths(const Reg& reg) {
  if (reg.type != Type::kPacket || reg.range <= 0) return;
  for (const u64 part : {reg.value.umin(), reg.value.umax()}) {
    const u64 length = part + static_cast<u64>(reg.range);
    if (part > kLongestFrame || length > kLongestFrame) continue;
    for (const u64 near : {length - 1, length, length + 1}) lengths_.insert(near);
  }
}

void Claims::walked(const verifier::Context& context, const State& state) {
  if (remembered_.empty()) {
    remembered_.resize(context.program.insns.size());
    live_ = context.live;
    own_maps_ = context.program.maps.size();
    for (const auto& map : context.program.maps) maps_.push_back(map.get());
    maps_.insert(maps_.end(), context.inner.begin(), context.inner.end());
  }
  for (const Reg& reg : state.top().regs) note_lengths(reg);
  Remembered& here = remembered_[state.slot];
  if (here.too_many) return;
  if (states_ >= most_) {
    here.too_many = true;
    here.states.clear();
    return;
  }
  const std::size_t first = here.states.size() - std::min(here.states.size(), kComparedStates);
  const auto how = what_ == What::kAll ? verifier::Containment::kExact : verifier::Containment::kMayMatter;
  verifier::Origins unused;
  for (std::size_t i = here.states.size(); i-- > first;) {
    if (here.states[i].frames.front().subprogram != state.frames.front().subprogram) continue;
    if (verifier::covers(context, here.states[i], state, how, verifier::Origins::all(), unused)) return;
  }
  here.states.push_back(state);
  ++states_;
}

std::string Claims::step(const vm::MachineView& machine) {
  if (machine.slot >= remembered_.size()) return "no state was ever walked";
  Remembered& here = remembered_[machine.slot];
  if (here.too_many) {
    ++skipped_;
    return {};
  }
  ++judged_;
  std::string first;
  for (std::size_t i = 0; i < here.states.size(); ++i) {
    const std::size_t index = (here.last_hit + i) % here.states.size();
    std::string what = Embedding(here.states[index], machine, live_, what_ == What::kAll, maps_, own_maps_).mismatch();
    if (what.empty()) {
      here.last_hit = index;
      return {};
    }
    if (first.empty()) first = std::move(what);
  }
  return fmt::format("none of the {} states walked here describes the machine; the nearest in time: {}",
                     here.states.size(), first.empty() ? "there is none" : first);
}

std::vector<Bytes> frames_of_lengths(const std::set<std::size_t>& lengths, std::span<const Bytes> models,
                                     std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Bytes> frames;
  for (const std::size_t length : lengths) {
    Bytes noise(length);
    for (std::byte& byte : noise) byte = static_cast<std::byte>(random() % 3 == 0 ? random() % 16 : random());
    if (!models.empty()) {
      Bytes like = noise;
      const Bytes& model = models[random() % models.size()];
      std::copy_n(model.begin(), std::min(model.size(), length), like.begin());
      frames.push_back(std::move(like));
    }
    frames.push_back(std::move(noise));
  }
  return frames;
}

}  // namespace sluice::testing_support
