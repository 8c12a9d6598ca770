#include "verifier/explore.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include <fmt/format.h>

#include "verifier/call.h"
#include "verifier/claims.h"
#include "verifier/global_call.h"
#include "verifier/kept_states.h"
#include "verifier/observer.h"
#include "verifier/path.h"
#include "verifier/transfer.h"

namespace sluice::verifier {
namespace {

using vm::Kind;

// A way not walked yet.
struct Pending {
  StatePtr state;
  std::uint32_t kept;  // the kept state its path comes from
  std::uint32_t path;  // PathTree, when it is recorded
};

class Walk {
 public:
  Walk(Context& context, Statistics& statistics)
      : context_(context),
        statistics_(statistics),
        kept_(context, statistics),
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
    kept_.restart();
    pending_.clear();
    if (context_.paths != nullptr) context_.paths->begin(start);
    pending_.push_back({std::make_unique<State>(std::move(start)), KeptStates::kNone, PathTree::kRoot});
    while (!pending_.empty()) {
      current_ = std::move(pending_.back().state);
      kept_.resume(pending_.back().kept);
      path_ = pending_.back().path;
      pending_.pop_back();
      if (Check failed = walk_path()) return failed;
      kept_.close_path();
      kept_.give(std::move(current_));
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
        const KeptStates::Meeting meeting = kept_.meet(*current_);
        if (meeting == KeptStates::Meeting::kEndless) return endless();
        if (meeting == KeptStates::Meeting::kCovered) return {};
      }
      if (++statistics_.processed > context_.options.limits.processed) return too_long();
      ++visits_[slot];
      kept_.walked();
      context_.recorder.facts.insns[slot].reachable = true;
      if (exact_) record_claims(context_, *current_, visits_[slot] == 1);
      if (context_.options.observer != nullptr) context_.options.observer->walked(context_, *current_);
      if (Check failed = check(context_, *current_, slot)) return failed;
      bool ended = false;
      if (Check failed = step(slot, ended)) return failed;
      kept_.take_demand();
      if (ended) return {};
    }
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
          kept_.take_demand();
          kept_.widen_rounds(state);
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
          StatePtr left = kept_.take();
          *left = state;
          leave_by_tail_call(context_, *left);
          if (Check failed = postpone(std::move(left), slot)) return failed;
        }
        if (calls_back(context_, slot)) {
          StatePtr round = kept_.take();
          *round = state;
          if (enter_callback(context_, *round)) {
            if (Check failed = postpone(std::move(round), slot)) return failed;
          } else {
            kept_.give(std::move(round));
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
    pending_.push_back({std::move(way), kept_.last(), path_});
    kept_.branch();
    return {};
  }

  Check fork(std::uint32_t slot, bool& ended) {
    StatePtr taken = kept_.take();
    const unsigned ways = branch_ways(context_, *current_, *taken);
    ended = ways == 0;  // what is known of the numbers contradicts itself: nobody comes here
    if (ways == 2) return postpone(std::move(taken), slot);
    kept_.give(std::move(taken));
    return {};
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
  KeptStates kept_;
  std::vector<std::uint32_t> visits_;  // a slot
  std::vector<Pending> pending_;       // the last is walked next
  std::vector<Alone> alone_;
  std::set<Alone> known_alone_;
  std::vector<LaterCall> later_;
  std::set<LaterCall> known_later_;
  bool exact_;
  StatePtr current_;  // being walked
  std::uint32_t path_ = PathTree::kRoot;
};

}  // namespace

Check explore(Context& context, Statistics& statistics) {
  context.recorder.facts.may_return = 0;
  if (context.options.record_claims) context.recorder.facts.claims.resize(context.program.insns.size());
  return Walk(context, statistics).run();
}

}  // namespace sluice::verifier
