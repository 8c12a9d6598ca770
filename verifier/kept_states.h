#pragma once
// The states that a walk keeps: those that cover later ones, those that show that a loop makes no progress, and which
// of their numbers decided something. Paths are walked depth first. Internal to the verifier.
#include <cstdint>
#include <memory>
#include <vector>

#include "verifier/context.h"
#include "verifier/prune.h"

namespace sluice::verifier {

using StatePtr = std::unique_ptr<State>;

class KeptStates {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // Both must outlive it; `statistics` gets the numbers of states.
  KeptStates(Context& context, Statistics& statistics);

  // States that are not in use: their memory is worth keeping.
  StatePtr take();
  void give(StatePtr state) { free_.push_back(std::move(state)); }

  // Forgets all: another sub-program is walked.
  void restart();

  // The number of the kept state that the walked path comes from, kNone before the first. Another path that waits to
  // be walked from there is announced by `branch` and begins with `resume`.
  [[nodiscard]] std::uint32_t last() const noexcept { return last_; }
  void branch() noexcept {
    if (last_ != kNone) ++nodes_[last_].open;
  }
  void resume(std::uint32_t number) noexcept {
    last_ = number;
    since_kept_ = 0;
  }

  enum class Meeting : std::uint8_t {
    kNew,      // walk on
    kCovered,  // by a state that was walked or will be: the path ends
    kEndless,  // the path came by here with a state that says the same
  };
  // The walked path is at a place where paths meet, in state `current`, which is kept where it is new and that is worth
  // it.
  Meeting meet(State& current);
  void walked() noexcept { ++since_kept_; }  // one instruction

  // Numbers that decided something since the last call (Context::demanded): the kept states they come from are told.
  void take_demand();
  // A callback has returned to the call that `current` stands at.
  void widen_rounds(State& current) const;
  // The walked path has ended: kept states without open paths close, and with them their parents' path.
  void close_path();

 private:
  // Until all paths from a kept state have ended it is open: then it covers nothing yet, but meeting an equal state
  // again means that a loop makes no progress. In it, each number has one origin: its own place. Numbers of the states
  // walked from it say which of these places they come from, and `precise` gathers the places by which something was
  // decided on some path from here on: when it closes, all are known. Others may hold any number.
  struct Node {
    std::uint32_t slot = 0;
    std::uint32_t parent = kNone;
    std::uint32_t open = 0;      // paths through it that have not ended
    std::uint32_t base = kNone;  // outermost node that paths from here rely on to be walked to its end, see rely_on
    bool is_relied_on = false;
    std::uint32_t hits = 0, misses = 0;
    std::uint64_t shape = 0, values = 0;  // Fingerprint
    StatePtr state;                       // null once dropped
    Origins precise;
    std::vector<Origins> origins;  // a place: where its number came from, in the parent; empty once `precise` is whole
  };

  // A path that ended in `fresh` because `target` covers it and was or will be walked, though not to its end yet: what
  // decides something after `target` does so after `fresh`.
  struct BackEdge {
    std::uint32_t target;
    std::uint32_t from;  // the kept state the path comes from
    StatePtr fresh;
  };

  struct Closed {
    std::uint64_t shape = 0;
    std::uint32_t node = kNone;
  };
  // Nodes of one slot, oldest first.
  struct Kept {
    std::vector<std::uint32_t> open;
    std::vector<Closed> closed;
  };

  // Whether anything was new.
  bool demand_from(std::uint32_t at, Origins wanted);
  // Does a closed state cover `current`? Those that never help are dropped on the way.
  bool is_covered(std::vector<Closed>& closed, std::uint64_t shape, const State& current);
  // Is a round of a helper that calls back the same as an earlier one of the same call? Then what follows it was or
  // will be walked from there.
  bool has_converged(const Kept& kept, const State& current);
  // Does the kept state `index`, of which it is not known yet which numbers decide something, cover the walked one?
  // Then all are compared that may.
  bool is_like(std::uint32_t index, const State& current);
  // The walked path ends because the kept state `target` will be walked to its end. There is a kept state before it:
  // the call of the helper.
  void rely_on(std::uint32_t target, const State& current);
  // All paths from `base` on have ended and rely on none before it: what decides something after the states relied on
  // is handed to those that rely on them, until nothing is new.
  void settle(std::uint32_t base);
  // The outermost state still open that the paths from one that relies on `base` rely on.
  [[nodiscard]] std::uint32_t unfinished(std::uint32_t base) const noexcept;
  [[nodiscard]] bool makes_no_progress(const Kept& kept, const Fingerprint& print, const State& current) const;
  [[nodiscard]] bool is_same(const State& before, const State& current) const;
  [[nodiscard]] bool worth_keeping() const noexcept;
  void keep(Kept& kept, const Fingerprint& print, State& current);

  Context& context_;
  Statistics& statistics_;
  bool exact_;              // claims are recorded: states must be the same, dead registers too
  std::vector<Kept> kept_;  // one a slot
  std::vector<Node> nodes_;
  std::vector<BackEdge> edges_;  // not settled yet, in the order they were found
  std::vector<StatePtr> free_;
  std::uint32_t last_ = kNone;
  std::uint32_t live_ = 0;        // states in nodes_
  std::uint32_t since_kept_ = 0;  // instructions
  std::uint32_t last_activation_ = 0;
};

}  // namespace sluice::verifier
