#include "verifier/explore.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>

#include <fmt/format.h>

#include "verifier/call.h"
#include "verifier/claims.h"
#include "verifier/global_call.h"
#include "verifier/observer.h"
#include "verifier/path.h"
#include "verifier/prune.h"
#include "verifier/transfer.h"
#include "verifier/widen.h"

namespace sluice::verifier {
namespace {

using vm::Kind;

constexpr std::uint32_t kNoNode = UINT32_MAX;
constexpr std::uint32_t kPatience = 32;  // comparisons a closed state may fail before it is dropped
constexpr std::uint32_t kPlenty = 8192;  // kept states at which they begin to stand further apart
constexpr std::uint32_t kSpread = 1024;  // by one instruction for so many

// A state kept for pruning. Until all paths from it have ended it is open: then it covers nothing yet, but meeting an
// equal state again means that a loop makes no progress. In it, each number has one origin: its own place. Numbers of
// the states walked from it say which of these places they come from, and `precise` gathers the places by which
// something was decided on some path from here on: when it closes, all are known. Others may hold any number.
struct Node {
  std::uint32_t slot = 0;
  std::uint32_t parent = kNoNode;
  std::uint32_t open = 0;        // paths through it that have not ended
  std::uint32_t base = kNoNode;  // outermost node that paths from here rely on to be walked to its end, see rely_on
  bool is_relied_on = false;
  std::uint32_t hits = 0, misses = 0;
  std::uint64_t shape = 0, values = 0;  // Fingerprint
  std::unique_ptr<State> state;         // null once dropped
  Origins precise;
  std::vector<Origins> origins;  // a place: where its number came from, in the parent; empty once `precise` is whole
};

using StatePtr = std::unique_ptr<State>;

// A path that ended in `fresh` because `target` covers it and was or will be walked, though not to its end yet: what
// decides something after `target` does so after `fresh`.
struct BackEdge {
  std::uint32_t target;
  std::uint32_t from;  // the kept state the path comes from
  StatePtr fresh;
};

// A way not walked yet.
struct Pending {
  StatePtr state;
  std::uint32_t node;
  std::uint32_t path;  // PathTree, when it is recorded
};

// States that are not in use: their memory is worth keeping.
class Pool {
 public:
  StatePtr take() {
    if (free_.empty()) return std::make_unique<State>();
    StatePtr state = std::move(free_.back());
    free_.pop_back();
    return state;
  }
  void give(StatePtr state) { free_.push_back(std::move(state)); }

 private:
  std::vector<StatePtr> free_;
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
    while (!alone_.empty() || !later_.empty()) {
      if (!alone_.empty()) {
        const Alone next = alone_.back();
        alone_.pop_back();
        if (Check failed = walk_from(alone_state(next))) return failed;
      } else {
        const LaterCall next = later_.back();
        later_.pop_back();
        if (Check failed = walk_from(later_state(context_, next))) return failed;
      }
    }
    return {};
  }

 private:
  struct Closed {
    std::uint64_t shape = 0;
    std::uint32_t node = kNoNode;
  };
  // Nodes of one slot, oldest first.
  struct Kept {
    std::vector<std::uint32_t> open;
    std::vector<Closed> closed;
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
      state.reg(1).range = static_cast<std::int32_t>(std::min<std::uint64_t>(context_.options.memory_size, INT32_MAX));
      state.reg(2) = Reg::constant(context_.options.memory_size);
    } else {
      state.reg(1) = Reg::pointer(Type::kContext);
    }
    return state;
  }

  [[nodiscard]] State alone_state(const Alone& alone) {
    State state;
    state.frames.push_back(fresh_frame(0, alone.subprogram));
    state.slot = context_.cfg.subprograms[alone.subprogram].start;
    for (unsigned r = 1; r <= 5; ++r) {
      if (alone.arguments[r - 1] == 's') state.reg(r) = Reg::unknown();
      if (alone.arguments[r - 1] == 'c') state.reg(r) = Reg::pointer(Type::kContext);
      if (alone.arguments[r - 1] == 'm') state.reg(r) = lent_memory(context_, alone.subprogram, r);
    }
    return state;
  }

  Check walk_from(State start) {
    for (Kept& kept : kept_) kept = {};
    nodes_.clear();
    edges_.clear();
    statistics_.peak_states = std::max(statistics_.peak_states, live_states_);
    live_states_ = 0;
    pending_.clear();
    if (context_.paths != nullptr) context_.paths->begin(start);
    pending_.push_back({std::make_unique<State>(std::move(start)), kNoNode, PathTree::kRoot});
    while (!pending_.empty()) {
      current_ = std::move(pending_.back().state);
      node_ = pending_.back().node;
      path_ = pending_.back().path;
      pending_.pop_back();
      since_kept_ = 0;
      if (Check failed = walk_path()) return failed;
      close_path();
      pool_.give(std::move(current_));
    }
    return {};
  }

  // Follows state_ until its path ends.
  Check walk_path() {
    while (true) {
      const std::uint32_t slot = current_->slot;
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
      if (exact_) record_claims(context_, *current_, visits_[slot] == 1);
      if (context_.options.observer != nullptr) context_.options.observer->walked(context_, *current_);
      if (Check failed = check(context_, *current_, slot)) return failed;
      bool ended = false;
      if (Check failed = step(slot, ended)) return failed;
      take_demand();
      if (ended) return {};
    }
  }

  // Places in the state kept last, and in those before it, whose numbers decided something.
  void take_demand() {
    Origins wanted = context_.demanded;
    context_.demanded = Origins::none();
    demand_from(node_, wanted);
  }

  // Whether anything was new.
  bool demand_from(std::uint32_t at, Origins wanted) {
    bool grew = false;
    for (; at != kNoNode && !wanted.empty(); at = nodes_[at].parent) {
      Node& node = nodes_[at];
      const Origins added = wanted.without(node.precise);
      node.precise |= added;
      grew |= !added.empty();
      wanted = Origins::none();
      const auto places = static_cast<unsigned>(node.origins.size());
      added.for_each(places, [&](unsigned place) { wanted |= node.origins[place]; });
    }
    return grew;
  }

  Check step(std::uint32_t slot, bool& ended) {
    State& state = *current_;
    switch (context_.row(slot).kind) {
      case Kind::kBranch: return fork(slot, ended);
      case Kind::kCallLocal: {
        std::array<char, 5> arguments{};
        if (stands_alone(context_, state, slot, arguments)) {
          const std::uint32_t callee = context_.cfg.callee(context_.program, slot);
          Alone alone{callee, std::string(arguments.data(), arguments.size())};
          if (known_alone_.insert(alone).second) alone_.push_back(std::move(alone));
          skip_subprogram(context_, state);
        } else {
          enter_subprogram(context_, state);
        }
        return {};
      }
      case Kind::kExit:
        if (state.frames.size() > 1 && state.top().is_callback) {
          leave_callback(context_, state);
          take_demand();
          widen_rounds();
        } else if (state.frames.size() > 1) {
          leave_subprogram(state);
        } else {
          if (state.top().is_callback) context_.demand(state.reg(0));  // a timer's, it returns 0
          if (state.top().subprogram == 0) record_verdict(state.reg(0));
          ended = true;
        }
        return {};
      case Kind::kCallHelper:
        if (state.frames.size() > 1 && is_tail_call(context_, slot)) {
          StatePtr left = pool_.take();
          *left = state;
          leave_by_tail_call(context_, *left);
          if (Check failed = postpone(std::move(left), slot)) return failed;
        }
        if (calls_back(context_, slot)) {
          StatePtr round = pool_.take();
          *round = state;
          if (enter_callback(context_, *round)) {
            if (Check failed = postpone(std::move(round), slot)) return failed;
          } else {
            pool_.give(std::move(round));
          }
        }
        if (const auto later = later_call(context_, state); later && known_later_.insert(*later).second) {
          later_.push_back(*later);
        }
        transfer(context_, state);
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
      case Kind::kLegacyLoad: transfer(context_, state); return {};
    }
    return {};
  }

  // A way out of `slot` that is walked when the present path has ended.
  Check postpone(StatePtr way, std::uint32_t slot) {
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
    StatePtr taken = pool_.take();
    const unsigned ways = branch_ways(context_, *current_, *taken);
    ended = ways == 0;  // what is known of the numbers contradicts itself: nobody comes here
    if (ways == 2) return postpone(std::move(taken), slot);
    pool_.give(std::move(taken));
    return {};
  }

  // At a place where paths meet: is the state covered, or does a loop make no progress? Otherwise keeps it.
  Check look_back(bool& covered) {
    Kept& kept = kept_[current_->slot];
    const bool rounds = calls_back(context_, current_->slot);
    if (rounds && current_->top().rounds > 0 && has_converged(kept)) {
      covered = true;
      note_unwritten_slots(context_, *current_);
      return {};
    }
    if (rounds && current_->top().rounds == 0) current_->top().activation = ++last_activation_;
    const Fingerprint print = fingerprint(context_, *current_);
    // Comparing with every earlier round of a loop would cost the square of the rounds: the last eight, then powers
    // of 2.
    for (std::size_t distance = 1; distance <= kept.open.size(); distance += distance < 8 ? 1 : distance) {
      const Node& before = nodes_[kept.open[kept.open.size() - distance]];
      if (before.values == print.values && same_rounds(*before.state) && makes_no_progress(*before.state))
        return endless();
    }
    if (context_.options.prune) covered = is_covered(kept.closed, print.shape);
    if (covered) {
      note_unwritten_slots(context_, *current_);
    } else if (rounds || worth_keeping()) {
      keep(kept, print);
    }
    return {};
  }

  // Does a closed state cover the walked one? Those that never help are dropped on the way.
  bool is_covered(std::vector<Closed>& closed, std::uint64_t shape) {
    for (std::size_t i = closed.size(); i-- > 0;) {
      if (closed[i].shape != shape && closed[i].shape != kAnyShape) continue;
      Node& node = nodes_[closed[i].node];
      if (unfinished(node.base) != kNoNode) {
        if (same_activations(*node.state) && is_like(closed[i].node)) return true;
        continue;
      }
      const Containment how = exact_ ? Containment::kExact : Containment::kPrecise;
      if (covers(context_, *node.state, *current_, how, node.precise, context_.demanded)) {
        take_demand();  // what was decided from there on would be from here on
        ++node.hits;
        return true;
      }
      if (node.is_relied_on) continue;
      if (++node.misses <= node.hits * 3 + kPatience) continue;
      pool_.give(std::move(node.state));
      --live_states_;
      closed.erase(closed.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return false;
  }

  // Is a round of a helper that calls back the same as an earlier one of the same call? Then what follows it was or
  // will be walked from there.
  bool has_converged(const Kept& kept) {
    const std::size_t rounds = std::min<std::size_t>(current_->top().rounds, kept.open.size());
    for (std::size_t back = 1; back <= rounds; back += back < 8 ? 1 : back) {
      const std::uint32_t index = kept.open[kept.open.size() - back];
      if (nodes_[index].state->top().activation != current_->top().activation) return false;
      if (is_like(index)) return true;
    }
    return false;
  }

  // Does the kept state `index`, of which it is not known yet which numbers decide something, cover the walked one?
  // Then all are compared that may.
  bool is_like(std::uint32_t index) {
    const Containment how = exact_ ? Containment::kExact : Containment::kMayMatter;
    Origins ignored;
    if (!covers(context_, *nodes_[index].state, *current_, how, Origins::none(), ignored)) return false;
    rely_on(index);
    return true;
  }

  // The walked path ends because the kept state `target` will be walked to its end. There is a kept state before it:
  // the call of the helper.
  void rely_on(std::uint32_t target) {
    Node& node = nodes_[target];
    node.is_relied_on = true;
    nodes_[node_].base = std::min(nodes_[node_].base, node.open > 0 ? target : unfinished(node.base));
    edges_.push_back({target, node_, pool_.take()});
    *edges_.back().fresh = *current_;
  }

  // All paths from `base` on have ended and rely on none before it: what decides something after the states relied on
  // is handed to those that rely on them, until nothing is new.
  void settle(std::uint32_t base) {
    const auto first = std::ranges::find_if(edges_, [base](const BackEdge& edge) { return edge.from >= base; });
    for (bool grew = true; grew;) {
      grew = false;
      for (auto edge = first; edge != edges_.end(); ++edge) {
        const Node& target = nodes_[edge->target];
        const Containment how = exact_ ? Containment::kExact : Containment::kPrecise;
        Origins wanted;
        if (!covers(context_, *target.state, *edge->fresh, how, target.precise, wanted)) continue;
        grew |= demand_from(edge->from, wanted);
      }
    }
    for (auto edge = first; edge != edges_.end(); ++edge) pool_.give(std::move(edge->fresh));
    edges_.erase(first, edges_.end());
    for (auto node = nodes_.begin() + base; node != nodes_.end(); ++node) node->origins = {};
  }

  // The outermost state still open that the paths from one that relies on `base` rely on.
  [[nodiscard]] std::uint32_t unfinished(std::uint32_t base) const {
    while (base != kNoNode && nodes_[base].open == 0) base = nodes_[base].base;
    return base;
  }

  [[nodiscard]] bool same_rounds(const State& other) const {
    return std::ranges::equal(current_->frames, other.frames, {}, &Frame::rounds, &Frame::rounds);
  }
  [[nodiscard]] bool same_activations(const State& other) const {
    return std::ranges::equal(current_->frames, other.frames, {}, &Frame::activation, &Frame::activation);
  }

  // A callback has returned to the call that current_ stands at.
  void widen_rounds() {
    const Kept& kept = kept_[current_->slot];
    if (kept.open.empty()) return;
    const Node& before = nodes_[kept.open.back()];
    widen(*before.state, before.precise, *current_);
  }

  [[nodiscard]] bool makes_no_progress(const State& before) const {
    const Containment how = exact_ ? Containment::kExact : Containment::kMayMatter;
    Origins ignored;
    return context_.enforced(Rule::kBoundedLoop) &&
           covers(context_, before, *current_, how, Origins::none(), ignored) &&
           covers(context_, *current_, before, how, Origins::none(), ignored);
  }

  // Keeping all states at jump targets is best while they are few; long loops must not fill the memory.
  [[nodiscard]] bool worth_keeping() const { return live_states_ < kPlenty || since_kept_ >= live_states_ / kSpread; }

  void keep(Kept& kept, const Fingerprint& print) {
    // The path that is walked moves from the parent to the new node, which stands for it there.
    const auto index = static_cast<std::uint32_t>(nodes_.size());
    Node& node = nodes_.emplace_back();
    node.slot = current_->slot;
    node.parent = node_;
    node.open = 1;
    node.values = print.values;
    number_places(node.origins);
    node.state = pool_.take();
    *node.state = *current_;
    node.shape = print.shape;
    kept.open.push_back(index);
    node_ = index;
    since_kept_ = 0;
    ++statistics_.states;
    statistics_.peak_states = std::max(statistics_.peak_states, ++live_states_);
  }

  // From here on numbers of the walked state come from their places in it; `origins` gets where they came from.
  void number_places(std::vector<Origins>& origins) {
    origins.reserve(32);
    const auto number = [&origins](Reg& reg) {
      if (origins.size() < Origins::kPlaces) {
        origins.push_back(reg.origins);
      } else {
        origins.back() |= reg.origins;
      }
      reg.origins = Origins::of(static_cast<unsigned>(origins.size()) - 1);
    };
    for (Frame& frame : current_->frames) {
      for (Reg& reg : frame.regs) {
        if (reg.is_scalar()) number(reg);
      }
      for (Slot& slot : frame.stack) {
        if (slot.holds_number()) number(slot.spill);
      }
    }
  }

  // The walked path has ended: nodes without open paths close, and with them their parents' path.
  void close_path() {
    while (node_ != kNoNode && --nodes_[node_].open == 0) {
      Node& node = nodes_[node_];
      // Open states of a slot are ancestors of each other: the last to open is the first to close.
      Kept& kept = kept_[node.slot];
      kept.open.pop_back();
      kept.closed.push_back({node.shape, node_});
      // Its own rounds are walked now; what else it relies on, those before it rely on.
      if (node.base == node_) {
        node.base = kNoNode;
        settle(node_);
      }
      if (node.base == kNoNode) node.origins = {};
      if (node.parent != kNoNode) nodes_[node.parent].base = std::min(nodes_[node.parent].base, node.base);
      node_ = node.parent;
    }
  }

  [[nodiscard]] Check endless() const {
    return failure(Rule::kBoundedLoop, current_->slot, -1, "the loop comes back here with nothing changed",
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
    context_.demand(r0);
    std::uint32_t& mask = context_.recorder.facts.may_return;
    const Scalar verdict = zero_extend(r0.is_scalar() ? r0.value : Scalar::unknown(), 4);
    for (unsigned v = 0; v < 31; ++v) {
      if (verdict.contains(v)) mask |= 1U << v;
    }
    if (verdict.umax() >= 31) mask |= 1U << 31;
  }

  Context& context_;
  Statistics& statistics_;
  std::vector<Kept> kept_;             // one a slot
  std::vector<std::uint32_t> visits_;  // a slot
  std::vector<Node> nodes_;
  std::vector<Pending> pending_;  // the last is walked next
  std::vector<BackEdge> edges_;   // not settled yet, in the order they were found
  std::vector<Alone> alone_;
  std::set<Alone> known_alone_;
  std::vector<LaterCall> later_;
  std::set<LaterCall> known_later_;
  std::uint32_t live_states_ = 0;
  bool exact_;
  Pool pool_;
  StatePtr current_;              // being walked
  std::uint32_t node_ = kNoNode;  // the kept state its path comes from
  std::uint32_t path_ = PathTree::kRoot;
  std::uint32_t since_kept_ = 0;  // instructions
  std::uint32_t last_activation_ = 0;
};

}  // namespace

Check explore(Context& context, Statistics& statistics) {
  context.recorder.facts.may_return = 0;
  if (context.options.record_claims) context.recorder.facts.claims.resize(context.program.insns.size());
  return Walk(context, statistics).run();
}

}  // namespace sluice::verifier
