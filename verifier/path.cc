#include "verifier/path.h"

#include <algorithm>

#include <fmt/format.h>

#include "verifier/access.h"
#include "verifier/call.h"
#include "verifier/global_call.h"
#include "verifier/transfer.h"

namespace sluice::verifier {
namespace {

using vm::Kind;

bool moves_packet(const Context& context, const State& state) {
  const vm::InsnRow& row = context.row(state.slot);
  if (row.kind == Kind::kCallHelper) {
    const vm::HelperDesc* const helper = context.helpers.find(context.insn(state.slot).imm);
    return helper != nullptr && helper->effect == vm::Effect::kMovesPacket;
  }
  return false;
}

// Carries out the instruction at state.slot on the way to `next`; false when no way leads there.
bool advance(Context& context, State& state, std::uint32_t next) {
  const std::uint32_t slot = state.slot;
  switch (context.row(slot).kind) {
    case Kind::kBranch: {
      State taken;
      const unsigned ways = branch_ways(context, state, taken);
      if (ways != 0 && state.slot == next) return true;
      if (ways != 2 || taken.slot != next) return false;
      state = std::move(taken);
      return true;
    }
    case Kind::kCallLocal: {
      std::array<char, 5> arguments{};
      if (stands_alone(context, state, slot, arguments)) {
        skip_subprogram(context, state);
      } else {
        enter_subprogram(context, state);
      }
      break;
    }
    case Kind::kExit:
      if (state.frames.size() < 2) return false;
      if (state.top().is_callback) {
        leave_callback(context, state);
      } else {
        leave_subprogram(state);
      }
      break;
    case Kind::kCallHelper:
      if (state.frames.size() > 1 && is_tail_call(context, slot) && next != slot + 1) {
        leave_by_tail_call(context, state);
        break;
      }
      if (calls_back(context, slot) && next != slot + 1) return enter_callback(context, state) && state.slot == next;
      transfer(context, state);
      break;
    case Kind::kAlu:
    case Kind::kEndian:
    case Kind::kLoad:
    case Kind::kLoadSigned:
    case Kind::kStore:
    case Kind::kStoreImm:
    case Kind::kAtomic:
    case Kind::kLoadImm64:
    case Kind::kGoto:
    case Kind::kCallKernel:
    case Kind::kLegacyLoad: transfer(context, state); break;
  }
  return state.slot == next;
}

// Takes down what a step did, from the states before and after it.
class Recorder {
 public:
  Recorder(const Context& context, Path& path) : context_(context), path_(path) {}

  void before(const State& state) {
    step_ = static_cast<std::uint32_t>(path_.slots.size());
    path_.slots.push_back(state.slot);
    const vm::InsnRow& row = context_.row(state.slot);
    const vm::Insn& insn = context_.insn(state.slot);
    frame_ = static_cast<std::int16_t>(state.frames.size() - 1);
    switch (row.kind) {
      case Kind::kAlu: alu(state, row, insn); break;
      case Kind::kEndian: wrote(reg(insn.dst), reg(insn.dst)); break;
      case Kind::kLoadImm64: wrote(reg(insn.dst), {}); break;
      case Kind::kLoad:
      case Kind::kLoadSigned: wrote(reg(insn.dst), stack(state.reg(insn.src), insn.offset)); break;
      case Kind::kStore: wrote(stack(state.reg(insn.dst), insn.offset), reg(insn.src)); break;
      case Kind::kStoreImm:
      case Kind::kAtomic: wrote(stack(state.reg(insn.dst), insn.offset), {}); break;
      case Kind::kCallHelper:
        wrote(reg(0), {});
        helper_writes(state, insn);
        if (moves_packet(context_, state)) {
          path_.moves.push_back(step_);
          path_.before_move = state;
        }
        break;
      case Kind::kBranch:
      case Kind::kCallLocal:
      case Kind::kGoto:
      case Kind::kExit:
      case Kind::kCallKernel:
      case Kind::kLegacyLoad: break;
    }
  }

  void after(const State& before, const State& after) {
    const Kind kind = context_.row(before.slot).kind;
    if (after.frames.size() > before.frames.size()) {
      if (after.top().is_callback) return;
      for (std::int16_t r = 1; r <= 5; ++r) wrote({static_cast<std::int16_t>(frame_ + 1), r, -1}, {frame_, r, -1});
    } else if (after.frames.size() < before.frames.size()) {
      if (before.top().is_callback) return;
      wrote({static_cast<std::int16_t>(frame_ - 1), 0, -1}, {frame_, 0, -1});
    } else if (kind == Kind::kBranch) {
      compare(before, after);
    } else if (kind == Kind::kCallLocal) {
      wrote(reg(0), {});
      if (context_.cfg.traits[context_.cfg.callee(context_.program, before.slot)].moves_packet)
        path_.moves.push_back(step_);
    }
  }

 private:
  [[nodiscard]] Place reg(unsigned number) const { return {frame_, static_cast<std::int16_t>(number), -1}; }

  [[nodiscard]] static Place stack(const Reg& base, std::int64_t offset) {
    const Reach where = reach(base, offset);
    const bool inside =
        base.type == Type::kStack && where.fixed() && where.min < 0 && where.min >= -std::int64_t{vm::kStackBytes};
    if (!inside) return {};
    return {base.frame, -1, static_cast<std::int32_t>((-where.min - 1) / 8)};
  }

  void wrote(Place to, Place from) {
    if (to.frame >= 0) path_.writes.push_back({step_, to, from});
  }

  // The slots in which a helper leaves something, as far as they are known.
  void helper_writes(const State& state, const vm::Insn& insn) {
    const vm::HelperDesc* const helper = context_.helpers.find(insn.imm);
    if (helper == nullptr) return;
    for (unsigned number = 1; number <= helper->args.size(); ++number) {
      const vm::ArgKind kind = helper->args[number - 1];
      if (!vm::is_written(kind)) continue;
      const Place first = stack(state.reg(number), 0);
      const bool sized = number < 5 && state.reg(number + 1).is_scalar();
      const std::uint64_t bytes =
          sized ? std::min<std::uint64_t>(state.reg(number + 1).value.umax(), vm::kStackBytes) : 8;
      for (std::int32_t i = 0; first.frame >= 0 && i * 8 < static_cast<std::int32_t>(bytes) && first.stack - i >= 0;
           ++i) {
        wrote({first.frame, -1, first.stack - i}, {});
      }
    }
  }

  void alu(const State& state, const vm::InsnRow& row, const vm::Insn& insn) {
    const bool by_reg = row.source == vm::Source::kReg;
    // Numbers moved in 32 bits are the same numbers, as a reader sees it.
    if (by_reg && is_move(row.alu())) return wrote(reg(insn.dst), reg(insn.src));
    // A pointer that moves is the same pointer, further on.
    const bool from_dst = state.reg(insn.dst).is_pointer() || !by_reg;
    const bool pointer = alu_shape(context_, state, state.slot) == AluShape::kPointer;
    if (by_reg && state.reg(insn.dst).is_pointer() && state.reg(insn.src).is_pointer() &&
        row.alu() == vm::AluOp::kSub) {
      path_.distances.push_back(step_);
    }
    const bool kept = pointer || (!by_reg && !is_move(row.alu()));
    wrote(reg(insn.dst), !kept ? Place{} : from_dst ? reg(insn.dst) : reg(insn.src));
  }

  void compare(const State& before, const State& after) {
    const vm::InsnRow& row = context_.row(before.slot);
    const vm::Insn& insn = context_.insn(before.slot);
    const Reg& a = before.reg(insn.dst);
    const Reg b = alu_operand(context_, before, before.slot);
    const auto is_pair = [](const Reg& p, const Reg& end) {
      return (p.type == Type::kPacket && end.type == Type::kPacketEnd) ||
             (p.type == Type::kPacketMeta && (end.type == Type::kPacket || end.type == Type::kPacketEnd)) ||
             (p.is_packet() && end.is_scalar());  // what was an end before a call moved the packet
    };
    if (row.source == vm::Source::kReg) {
      if (is_pair(a, b)) return compare_end(a, after.reg(insn.dst), row.cond(), reg(insn.dst), b.type, reg(insn.src));
      if (is_pair(b, a)) return compare_end(b, after.reg(insn.src), row.cond(), reg(insn.src), a.type, reg(insn.dst));
    }
    Compare done{.step = step_, .slot = before.slot};
    if (may_be_null(a.type)) {
      done.kind = Compare::Kind::kNull;
      done.id = a.id;
      done.was_null = after.reg(insn.dst).is_null();
    } else if (a.is_scalar() && b.is_scalar()) {
      done.kind = Compare::Kind::kNumber;
      done.id = a.id;
      done.what = reg(insn.dst);
    } else {
      return;
    }
    path_.compares.push_back(done);
  }

  void compare_end(const Reg& pointer, const Reg& after, vm::Cond cond, Place what, Type end, Place with) {
    using vm::Cond;
    Compare done{.step = step_, .slot = path_.slots[step_], .id = pointer.id, .what = what, .type = pointer.type};
    done.end = end;
    done.with = with;
    done.proven = after.range > pointer.range ? after.range : 0;
    done.offset = pointer.offset;
    done.variable = !pointer.value.is_constant();
    done.too_far = pointer.value.smin() < 0 || pointer.value.umax() > static_cast<std::uint64_t>(kMaxPacketOffset) ||
                   static_cast<std::int64_t>(pointer.value.umax()) + pointer.offset > kMaxPacketOffset;
    done.in_order = cond == Cond::kGt || cond == Cond::kGe || cond == Cond::kLt || cond == Cond::kLe;
    path_.compares.push_back(done);
  }

  const Context& context_;
  Path& path_;
  std::uint32_t step_ = 0;
  std::int16_t frame_ = 0;
};

}  // namespace

void PathTree::begin(const State& state) {
  start_ = state;
  steps_.clear();
  last = kRoot;
}

std::uint32_t PathTree::add(std::uint32_t here, std::uint32_t slot) {
  steps_.push_back({here, slot});
  last = static_cast<std::uint32_t>(steps_.size() - 1);
  return last;
}

std::vector<std::uint32_t> PathTree::slots_to(std::uint32_t here) const {
  std::vector<std::uint32_t> slots;
  for (; here != kRoot; here = steps_[here].before) slots.push_back(steps_[here].slot);
  std::ranges::reverse(slots);
  return slots;
}

Path follow(Context& context, const PathTree& tree, std::uint32_t here) {
  Path path;
  const std::vector<std::uint32_t> slots = tree.slots_to(here);
  path.end = tree.start();
  Recorder recorder(context, path);
  for (std::size_t i = 0; i + 1 < slots.size(); ++i) {
    recorder.before(path.end);
    const Kind kind = context.row(path.end.slot).kind;
    const bool compared =
        kind == Kind::kBranch || calls_back(context, path.end.slot) || kind == Kind::kCallLocal || kind == Kind::kExit;
    const State before = compared ? path.end : State{};
    if (!advance(context, path.end, slots[i + 1])) return path;
    if (compared) recorder.after(before, path.end);
  }
  path.complete = true;
  return path;
}

const Write* Path::writer(Place place, std::uint32_t step) const {
  // From `step` backwards: who follows a chain of copies looks at every write once.
  auto it = std::ranges::partition_point(writes, [&](const Write& write) { return write.step < step; });
  while (it != writes.begin()) {
    if ((--it)->to == place) return &*it;
  }
  return nullptr;
}

std::vector<std::uint32_t> Path::history(Place place, std::uint32_t step) const {
  std::vector<std::uint32_t> found;
  while (const Write* const write = writer(place, step)) {
    found.push_back(write->step);
    if (write->from.frame < 0) break;
    place = write->from;
    step = write->step;
  }
  return found;
}

Path::Origin Path::origin(Place place, std::uint32_t step) const {
  while (const Write* const write = writer(place, step)) {
    if (write->from.frame < 0) return {place, write->step};
    place = write->from;
    step = write->step;
  }
  return {};
}

std::optional<std::uint32_t> Path::last_step_at(std::uint32_t slot) const {
  for (std::uint32_t step = length(); step-- > 0;) {
    if (slots[step] == slot) return step;
  }
  return std::nullopt;
}

namespace {

std::string value_text(const Reg& reg) {
  if (!reg.is_scalar()) return {};
  if (reg.value.is_constant()) return fmt::format("{}", reg.value.smin());
  return fmt::format("[{},{}]", reg.value.smin(), reg.value.smax());
}

void find_difference(const State& before, const State& after, Rounds& rounds) {
  const Frame& old = before.top();
  const Frame& now = after.top();
  for (unsigned r = 0; r < vm::kFrameRegister; ++r) {
    rounds.before = value_text(old.regs[r]);
    rounds.after = value_text(now.regs[r]);
    if (rounds.before != rounds.after) {
      rounds.reg = static_cast<int>(r);
      return;
    }
  }
  for (std::size_t i = 0; i < std::min(old.stack.size(), now.stack.size()); ++i) {
    if (!old.stack[i].holds_scalar() || !now.stack[i].holds_scalar()) continue;
    rounds.before = value_text(old.stack[i].spill);
    rounds.after = value_text(now.stack[i].spill);
    if (rounds.before != rounds.after) {
      rounds.stack = static_cast<std::int32_t>(i);
      return;
    }
  }
  rounds.before.clear();
  rounds.after.clear();
}

}  // namespace

std::optional<Rounds> hottest_loop(Context& context, const PathTree& tree, std::uint32_t here) {
  const std::vector<std::uint32_t> slots = tree.slots_to(here);
  std::vector<std::uint32_t> met(context.program.insns.size(), 0);
  for (const std::uint32_t slot : slots) ++met[slot];
  Rounds rounds;
  for (std::uint32_t slot = 0; slot < met.size(); ++slot) {
    if (context.cfg.is_loop_head[slot] != 0 && met[slot] > met[rounds.head]) rounds.head = slot;
  }
  rounds.count = met[rounds.head];
  if (rounds.count < 2 || context.cfg.is_loop_head[rounds.head] == 0) return std::nullopt;
  std::size_t last = slots.size();
  while (slots[--last] != rounds.head) {
  }
  std::size_t before_last = last;
  while (slots[--before_last] != rounds.head) {
  }
  rounds.instructions = static_cast<std::uint32_t>(last - before_last);
  rounds.last_round.assign(slots.begin() + static_cast<std::ptrdiff_t>(before_last),
                           slots.begin() + static_cast<std::ptrdiff_t>(last));
  State state = tree.start();
  State first;
  for (std::size_t i = 0; i + 1 < slots.size() && i < last; ++i) {
    if (i == before_last) first = state;
    if (!advance(context, state, slots[i + 1])) return rounds;
  }
  find_difference(first, state, rounds);
  return rounds;
}

}  // namespace sluice::verifier
