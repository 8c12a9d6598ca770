#pragma once
// For tests that hold what the verifier claims against what programs really do: an observer sees every state of every
// path walked, before its instruction. A program run without one (Options::observer null) pays a compare an
// instruction. Internal to the verifier and its tests.
namespace sluice::verifier {

struct Context;
struct State;

class Observer {
 public:
  virtual ~Observer() = default;
  // The instruction at `state.slot` is about to be walked. What the walk never reaches, pruning found covered by a
  // state seen earlier at the same slot. Both arguments live until the call returns.
  virtual void walked(const Context& context, const State& state) = 0;
};

}  // namespace sluice::verifier
