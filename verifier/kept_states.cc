#include "verifier/kept_states.h"

#include <algorithm>

#include "verifier/call.h"
#include "verifier/widen.h"

namespace sluice::verifier {
namespace {

constexpr std::uint32_t kPatience = 32;  // comparisons a closed state may fail before it is dropped
constexpr std::uint32_t kPlenty = 8192;  // kept states at which they begin to stand further apart
constexpr std::uint32_t kSpread = 1024;  // by one instruction for so many

bool same_rounds(const State& a, const State& b) {
  return std::ranges::equal(a.frames, b.frames, {}, &Frame::rounds, &Frame::rounds);
}

bool same_activations(const State& a, const State& b) {
  return std::ranges::equal(a.frames, b.frames, {}, &Frame::activation, &Frame::activation);
}

// From here on numbers of `state` come from their places in it; `origins` gets where they came from.
void number_places(State& state, std::vector<Origins>& origins) {
  origins.reserve(32);
  const auto number = [&origins](Reg& reg) {
    if (origins.size() < Origins::kPlaces) {
      origins.push_back(reg.origins);
    } else {
      origins.back() |= reg.origins;
    }
    reg.origins = Origins::of(static_cast<unsigned>(origins.size()) - 1);
  };
  for (Frame& frame : state.frames) {
    for (Reg& reg : frame.regs) {
      if (reg.is_scalar()) number(reg);
    }
    for (Slot& slot : frame.stack) {
      if (slot.holds_number()) number(slot.spill);
    }
  }
}

}  // namespace

KeptStates::KeptStates(Context& context, Statistics& statistics)
    : context_(context),
      statistics_(statistics),
      exact_(context.options.record_claims),
      kept_(context.program.insns.size()) {}

StatePtr KeptStates::take() {
  if (free_.empty()) return std::make_unique<State>();
  StatePtr state = std::move(free_.back());
  free_.pop_back();
  return state;
}

void KeptStates::restart() {
  for (Kept& kept : kept_) kept = {};
  nodes_.clear();
  edges_.clear();
  live_ = 0;
  resume(kNone);
}

KeptStates::Meeting KeptStates::meet(State& current) {
  Kept& kept = kept_[current.slot];
  const bool calls = calls_back(context_, current.slot);
  if (calls && current.top().rounds > 0 && has_converged(kept, current)) {
    note_unwritten_slots(context_, current);
    return Meeting::kCovered;
  }
  if (calls && current.top().rounds == 0) current.top().activation = ++last_activation_;
  const Fingerprint print = fingerprint(context_, current);
  if (makes_no_progress(kept, print, current)) return Meeting::kEndless;
  if (context_.options.prune && is_covered(kept.closed, print.shape, current)) {
    note_unwritten_slots(context_, current);
    return Meeting::kCovered;
  }
  if (calls || worth_keeping()) keep(kept, print, current);
  return Meeting::kNew;
}

bool KeptStates::makes_no_progress(const Kept& kept, const Fingerprint& print, const State& current) const {
  if (!context_.enforced(Rule::kBoundedLoop)) return false;
  // Comparing with every earlier round of a loop would cost the square of the rounds: the last eight, then powers of 2.
  for (std::size_t distance = 1; distance <= kept.open.size(); distance += distance < 8 ? 1 : distance) {
    const Node& before = nodes_[kept.open[kept.open.size() - distance]];
    if (before.values == print.values && same_rounds(*before.state, current) && is_same(*before.state, current)) {
      return true;
    }
  }
  return false;
}

bool KeptStates::is_same(const State& before, const State& current) const {
  const Containment how = exact_ ? Containment::kExact : Containment::kMayMatter;
  Origins ignored;
  return covers(context_, before, current, how, Origins::none(), ignored) &&
         covers(context_, current, before, how, Origins::none(), ignored);
}

bool KeptStates::is_covered(std::vector<Closed>& closed, std::uint64_t shape, const State& current) {
  const Containment how = exact_ ? Containment::kExact : Containment::kPrecise;
  for (std::size_t i = closed.size(); i-- > 0;) {
    if (closed[i].shape != shape && closed[i].shape != kAnyShape) continue;
    Node& node = nodes_[closed[i].node];
    if (unfinished(node.base) != kNone) {
      if (same_activations(*node.state, current) && is_like(closed[i].node, current)) return true;
      continue;
    }
    if (covers(context_, *node.state, current, how, node.precise, context_.demanded)) {
      take_demand();  // what was decided from there on would be from here on
      ++node.hits;
      return true;
    }
    if (node.is_relied_on) continue;
    if (++node.misses <= node.hits * 3 + kPatience) continue;
    give(std::move(node.state));
    --live_;
    closed.erase(closed.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return false;
}

bool KeptStates::has_converged(const Kept& kept, const State& current) {
  const std::size_t rounds = std::min<std::size_t>(current.top().rounds, kept.open.size());
  for (std::size_t back = 1; back <= rounds; back += back < 8 ? 1 : back) {
    const std::uint32_t index = kept.open[kept.open.size() - back];
    if (nodes_[index].state->top().activation != current.top().activation) return false;
    if (is_like(index, current)) return true;
  }
  return false;
}

bool KeptStates::is_like(std::uint32_t index, const State& current) {
  const Containment how = exact_ ? Containment::kExact : Containment::kMayMatter;
  Origins ignored;
  if (!covers(context_, *nodes_[index].state, current, how, Origins::none(), ignored)) return false;
  rely_on(index, current);
  return true;
}

void KeptStates::rely_on(std::uint32_t target, const State& current) {
  Node& node = nodes_[target];
  node.is_relied_on = true;
  nodes_[last_].base = std::min(nodes_[last_].base, node.open > 0 ? target : unfinished(node.base));
  edges_.push_back({target, last_, take()});
  *edges_.back().fresh = current;
}

void KeptStates::settle(std::uint32_t base) {
  const Containment how = exact_ ? Containment::kExact : Containment::kPrecise;
  const auto first = std::ranges::find_if(edges_, [base](const BackEdge& edge) { return edge.from >= base; });
  for (bool grew = true; grew;) {
    grew = false;
    for (auto edge = first; edge != edges_.end(); ++edge) {
      const Node& target = nodes_[edge->target];
      Origins wanted;
      if (!covers(context_, *target.state, *edge->fresh, how, target.precise, wanted)) continue;
      grew |= demand_from(edge->from, wanted);
    }
  }
  for (auto edge = first; edge != edges_.end(); ++edge) give(std::move(edge->fresh));
  edges_.erase(first, edges_.end());
  for (auto node = nodes_.begin() + base; node != nodes_.end(); ++node) node->origins = {};
}

std::uint32_t KeptStates::unfinished(std::uint32_t base) const noexcept {
  while (base != kNone && nodes_[base].open == 0) base = nodes_[base].base;
  return base;
}

void KeptStates::take_demand() {
  const Origins wanted = context_.demanded;
  context_.demanded = Origins::none();
  demand_from(last_, wanted);
}

bool KeptStates::demand_from(std::uint32_t at, Origins wanted) {
  bool grew = false;
  for (; at != kNone && !wanted.empty(); at = nodes_[at].parent) {
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

void KeptStates::widen_rounds(State& current) const {
  const Kept& kept = kept_[current.slot];
  if (kept.open.empty()) return;
  const Node& before = nodes_[kept.open.back()];
  widen(*before.state, before.precise, current);
}

// Keeping all states at jump targets is best while they are few; long loops must not fill the memory.
bool KeptStates::worth_keeping() const noexcept { return live_ < kPlenty || since_kept_ >= live_ / kSpread; }

void KeptStates::keep(Kept& kept, const Fingerprint& print, State& current) {
  // The path that is walked moves from the parent to the new node, which stands for it there.
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  Node& node = nodes_.emplace_back();
  node.slot = current.slot;
  node.parent = last_;
  node.open = 1;
  node.values = print.values;
  node.shape = print.shape;
  number_places(current, node.origins);
  node.state = take();
  *node.state = current;
  kept.open.push_back(index);
  resume(index);
  ++statistics_.states;
  statistics_.peak_states = std::max(statistics_.peak_states, ++live_);
}

void KeptStates::close_path() {
  while (last_ != kNone && --nodes_[last_].open == 0) {
    Node& node = nodes_[last_];
    // Open states of a slot are ancestors of each other: the last to open is the first to close.
    Kept& kept = kept_[node.slot];
    kept.open.pop_back();
    kept.closed.push_back({node.shape, last_});
    // Its own rounds are walked now; what else it relies on, those before it rely on.
    if (node.base == last_) {
      node.base = kNone;
      settle(last_);
    }
    if (node.base == kNone) node.origins = {};
    if (node.parent != kNone) nodes_[node.parent].base = std::min(nodes_[node.parent].base, node.base);
    last_ = node.parent;
  }
}

}  // namespace sluice::verifier
