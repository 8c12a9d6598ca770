#include "verifier/explore.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>

#include <fmt/format.h>

#include "verifier/call.h"
#include "verifier/observer.h"
#include "verifier/path.h"
#include "verifier/prune.h"
#include "verifier/transfer.h"

namespace sluice::verifier {
namespace {

using vm::Kind;

constexpr std::uint32_t kNoNode = UINT32_MAX;
constexpr std::uint32_t kPatience = 32;  // comparisons a closed state may fail before it is dropped
constexpr std::uint32_t kSpread = 1024;  // kept states at which they begin to stand further apart

// A state kept for pruning. Until all paths from it have ended it is open: then it covers nothing yet, but meeting an
// equal state again means that a loop makes no progress.
struct Node {
  std::uint32_t slot = 0;
  std::uint32_t parent = kNoNode;
  std::uint32_t open = 0;  // paths through it that have not ended
  std::uint32_t hits = 0, misses = 0;
  std::unique_ptr<State> state;  // null once dropped
};

// A way not walked yet.
struct Pending {
  State state;
  std::uint32_t node;
  std::uint32_t path;  // PathTree, when it is recorded
};

class Walk {
 public:
  Walk(Context& context, Statistics& statistics)
      : context_(context),
        statistics_(statistics),
        kept_(context.program.insns.size()),
        visits_(context.program.insns.size()),
        exact_(context.options.record_claims) {}

  Check run() {
    if (Check failed = walk_from(main_state())) return failed;
    // Walking one may ask for more.
    while (!alone_.empty()) {
      const Alone next = alone_.back();
      alone_.pop_back();
      if (Check failed = walk_from(alone_state(next))) return failed;
    }
    return {};
  }

 private:
  // Nodes of one slot, oldest first.
  struct Kept {
    std::vector<std::uint32_t> open, closed;
  };

  // A global sub-program with the kinds of its arguments, see stands_alone.
  struct Alone {
    std::uint32_t subprogram = 0;
    std::string arguments;
    friend auto operator<=>(const Alone&, const Alone&) = default;
  };

  [[nodiscard]] State main_state() const {
    State state;
    state.frames.push_back(fresh_frame(0, 0));
    if (context_.program.type->context == vm::ContextKind::kMemory) {
      state.reg(1) = Reg::pointer(Type::kMemory);
      state.reg(2) = Reg::constant(context_.options.memory_size);
    } else {
      state.reg(1) = Reg::pointer(Type::kContext);
    }
    return state;
  }

  [[nodiscard]] State alone_state(const Alone& alone) const {
    State state;
    state.frames.push_back(fresh_frame(0, alone.subprogram));
    state.slot = context_.cfg.subprograms[alone.subprogram].start;
    for (unsigned r = 1; r <= 5; ++r) {
      if (alone.arguments[r - 1] == 's') state.reg(r) = Reg::unknown();
      if (alone.arguments[r - 1] == 'c') state.reg(r) = Reg::pointer(Type::kContext);
    }
    return state;
  }

  Check walk_from(State start) {
    for (Kept& kept : kept_) kept = {};
    nodes_.clear();
    statistics_.peak_states = std::max(statistics_.peak_states, live_states_);
    live_states_ = 0;
    pending_.clear();
    if (context_.paths != nullptr) context_.paths->begin(start);
    pending_.push_back({std::move(start), kNoNode, PathTree::kRoot});
    while (!pending_.empty()) {
      state_ = std::move(pending_.back().state);
      node_ = pending_.back().node;
      path_ = pending_.back().path;
      pending_.pop_back();
      since_kept_ = 0;
      if (Check failed = walk_path()) return failed;
      close_path();
    }
    return {};
  }

  // Follows state_ until its path ends.
  Check walk_path() {
    while (true) {
      const std::uint32_t slot = state_.slot;
      // Only a test that switched a demand off gets out of the program.
      if (slot >= context_.cfg.rows.size() || context_.cfg.rows[slot] == nullptr) return {};
      if (context_.paths != nullptr) path_ = context_.paths->add(path_, slot);
      if (context_.cfg.is_target[slot] != 0) {
        bool covered = false;
        if (Check failed = look_back(covered)) return failed;
        if (covered) return {};
      }
      if (++statistics_.processed > context_.options.limits.processed) return too_long();
      ++visits_[slot];
      ++since_kept_;
      context_.recorder.facts.insns[slot].reachable = true;
      if (exact_) record_claims(slot);
      if (context_.options.observer != nullptr) context_.options.observer->walked(context_, state_);
      if (Check failed = check(context_, state_, slot)) return failed;
      bool ended = false;
      if (Check failed = step(slot, ended)) return failed;
      if (ended) return {};
    }
  }

  Check step(std::uint32_t slot, bool& ended) {
    switch (context_.row(slot).kind) {
      case Kind::kBranch: return fork(slot, ended);
      case Kind::kCallLocal: {
        std::array<char, 5> arguments{};
        if (stands_alone(context_, state_, slot, arguments)) {
          const std::uint32_t callee = context_.cfg.callee(context_.program, slot);
          Alone alone{callee, std::string(arguments.data(), arguments.size())};
          if (known_alone_.insert(alone).second) alone_.push_back(std::move(alone));
          skip_subprogram(context_, state_);
        } else {
          enter_subprogram(context_, state_);
        }
        return {};
      }
      case Kind::kExit:
        if (state_.frames.size() > 1) {
          leave_subprogram(state_);
        } else {
          if (state_.top().subprogram == 0) record_verdict(state_.reg(0));
          ended = true;
        }
        return {};
      case Kind::kCallHelper:
        if (state_.frames.size() > 1 && is_tail_call(context_, slot)) {
          State left = state_;
          leave_by_tail_call(context_, left);
          if (Check failed = postpone(std::move(left), slot)) return failed;
        }
        transfer(context_, state_);
        return {};
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
      case Kind::kLegacyLoad: transfer(context_, state_); return {};
    }
    return {};
  }

  // A way out of `slot` that is walked when the present path has ended.
  Check postpone(State way, std::uint32_t slot) {
    if (pending_.size() >= context_.options.limits.jump_sequence) {
      return Failure{.code = "too-complex",
                     .insn = slot,
                     .message = fmt::format("more than {} branches wait to be explored", pending_.size()),
                     .notes = {}};
    }
    pending_.push_back({std::move(way), node_, path_});
    if (node_ != kNoNode) ++nodes_[node_].open;
    return {};
  }

  Check fork(std::uint32_t slot, bool& ended) {
    Ways ways = branch_ways(context_, std::move(state_));
    if (!ways.taken && !ways.fallen) {
      ended = true;  // what is known of the numbers contradicts itself: nobody comes here
      return {};
    }
    if (ways.taken && ways.fallen) {
      if (Check failed = postpone(std::move(*ways.taken), slot)) return failed;
      ways.taken.reset();
    }
    state_ = std::move(ways.fallen ? *ways.fallen : *ways.taken);
    return {};
  }

  // At a place where paths meet: is the state covered, or does a loop make no progress? Otherwise keeps it.
  Check look_back(bool& covered) {
    Kept& kept = kept_[state_.slot];
    // Comparing with every earlier round of a loop would cost the square of the rounds: the last eight, then powers
    // of 2.
    for (std::size_t distance = 1; distance <= kept.open.size(); distance += distance < 8 ? 1 : distance) {
      if (makes_no_progress(*nodes_[kept.open[kept.open.size() - distance]].state)) return endless();
    }
    if (context_.options.prune) covered = is_covered(kept.closed);
    if (covered) {
      note_unwritten_slots(context_, state_);
    } else if (worth_keeping()) {
      keep(kept);
    }
    return {};
  }

  // Does a closed state cover the walked one? Those that never help are dropped on the way.
  bool is_covered(std::vector<std::uint32_t>& closed) {
    for (std::size_t i = closed.size(); i-- > 0;) {
      Node& node = nodes_[closed[i]];
      if (covers(context_, *node.state, state_, exact_)) {
        ++node.hits;
        return true;
      }
      if (++node.misses <= node.hits * 3 + kPatience) continue;
      node.state.reset();
      --live_states_;
      closed.erase(closed.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return false;
  }

  [[nodiscard]] bool makes_no_progress(const State& before) const {
    return context_.enforced(Rule::kBoundedLoop) && covers(context_, before, state_, exact_) &&
           covers(context_, state_, before, exact_);
  }

  // Keeping all states at jump targets is best while they are few; long loops must not fill the memory.
  [[nodiscard]] bool worth_keeping() const { return since_kept_ >= live_states_ / kSpread; }

  void keep(Kept& kept) {
    // The path that is walked moves from the parent to the new node, which stands for it there.
    const auto index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({.slot = state_.slot, .parent = node_, .open = 1, .state = std::make_unique<State>(state_)});
    kept.open.push_back(index);
    node_ = index;
    since_kept_ = 0;
    ++statistics_.states;
    statistics_.peak_states = std::max(statistics_.peak_states, ++live_states_);
  }

  // The walked path has ended: nodes without open paths close, and with them their parents' path.
  void close_path() {
    while (node_ != kNoNode && --nodes_[node_].open == 0) {
      // Open states of a slot are ancestors of each other: the last to open is the first to close.
      Kept& kept = kept_[nodes_[node_].slot];
      kept.open.pop_back();
      kept.closed.push_back(node_);
      node_ = nodes_[node_].parent;
    }
  }

  [[nodiscard]] Check endless() const {
    return failure(Rule::kBoundedLoop, state_.slot, -1, "the loop comes back here with nothing changed",
                   {{"why", "no value that decides when the loop ends has changed, so it may run for ever"},
                    {"fix", "count iterations and stop at a constant"}});
  }

  [[nodiscard]] Check too_long() const {
    const auto hottest = std::ranges::max_element(visits_);
    const auto slot = static_cast<std::uint32_t>(hottest - visits_.begin());
    return Failure{.code = "too-complex",
                   .insn = slot,
                   .message = fmt::format("more than {} instructions to explore", context_.options.limits.processed),
                   .notes = {{"why", fmt::format("this instruction alone was walked {} times", *hottest)},
                             {"fix", "bound loops more tightly, or move parts into global functions"}}};
  }

  void record_verdict(const Reg& r0) {
    std::uint32_t& mask = context_.recorder.facts.may_return;
    const Scalar verdict = zero_extend(r0.is_scalar() ? r0.value : Scalar::unknown(), 4);
    for (unsigned v = 0; v < 31; ++v) {
      if (verdict.contains(v)) mask |= 1U << v;
    }
    if (verdict.umax() >= 31) mask |= 1U << 31;
  }

  void record_claims(std::uint32_t slot) {
    for (unsigned r = 0; r < vm::kRegisters; ++r) {
      const Reg& reg = state_.reg(r);
      vm::RegisterClaim now;
      if (reg.is_scalar()) {
        const auto bits = reg.value.bits();
        now = {.kind = vm::RegisterClaim::Kind::kScalar,
               .umin = reg.value.umin(),
               .umax = reg.value.umax(),
               .smin = reg.value.smin(),
               .smax = reg.value.smax(),
               .known_value = bits.value,
               .unknown_mask = bits.mask};
      } else if (reg.is_pointer() && reg.type != Type::kMapValueOrNull) {
        now.kind = vm::RegisterClaim::Kind::kPointer;
      }
      vm::RegisterClaim& claim = context_.recorder.facts.claims[slot][r];
      claim = visits_[slot] == 1 ? now : join_claims(claim, now);
    }
  }

  static vm::RegisterClaim join_claims(const vm::RegisterClaim& a, const vm::RegisterClaim& b) {
    if (a.kind != b.kind || a.kind == vm::RegisterClaim::Kind::kNothing) return {};
    const Tnum<std::uint64_t> bits =
        Tnum<std::uint64_t>{a.known_value, a.unknown_mask}.unite({b.known_value, b.unknown_mask});
    return {.kind = a.kind,
            .umin = std::min(a.umin, b.umin),
            .umax = std::max(a.umax, b.umax),
            .smin = std::min(a.smin, b.smin),
            .smax = std::max(a.smax, b.smax),
            .known_value = bits.value,
            .unknown_mask = bits.mask};
  }

  Context& context_;
  Statistics& statistics_;
  std::vector<Kept> kept_;             // one a slot
  std::vector<std::uint32_t> visits_;  // a slot
  std::vector<Node> nodes_;
  std::vector<Pending> pending_;  // the last is walked next
  std::vector<Alone> alone_;
  std::set<Alone> known_alone_;
  std::uint32_t live_states_ = 0;
  bool exact_;
  State state_;                   // being walked
  std::uint32_t node_ = kNoNode;  // the kept state its path comes from
  std::uint32_t path_ = PathTree::kRoot;
  std::uint32_t since_kept_ = 0;  // instructions
};

}  // namespace

Check explore(Context& context, Statistics& statistics) {
  context.recorder.facts.may_return = 0;
  if (context.options.record_claims) context.recorder.facts.claims.resize(context.program.insns.size());
  return Walk(context, statistics).run();
}

}  // namespace sluice::verifier
