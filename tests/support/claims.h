#pragma once
// State embedding: remembers every state the verifier walked and then, while the program runs in the interpreter's
// checked mode, demands at every instruction one remembered state that describes the whole machine at once: numbers
// inside their ranges, pointers into what they are said to point to, packet bytes proven really there, copies equal,
// spilled slots and the callers' frames likewise. Use: Options::observer = &claims, verify,
// run by `violation(.., &claims)`. One program a Claims; one thread.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/support/packets.h"
#include "verifier/liveness.h"
#include "verifier/observer.h"
#include "verifier/state.h"
#include "vm/step_observer.h"

namespace sluice::testing_support {

class Claims : public verifier::Observer, public vm::StepObserver {
 public:
  enum class What : std::uint8_t {
    kAll,  // every register and slot; the verifier must prune by everything (Options::record_claims) or not at all
    // What pruning as in production leaves: kinds and places of all that may still be read (verifier/liveness.h). Not
    // numbers: there they are compared only where they decided something (verifier/origins.h).
    kLive,
  };
  // Past `most` remembered states of all slots together the instructions reached are no longer judged.
  explicit Claims(What what, std::size_t most = 30'000) : what_(what), most_(most) {}

  void walked(const verifier::Context& context, const verifier::State& state) override;
  std::string step(const vm::MachineView& machine) override;

  // Lengths of frames at which a proof of packet bytes just holds, one more and one less; ascending, at most 9000.
  [[nodiscard]] const std::set<std::size_t>& lengths() const { return lengths_; }
  [[nodiscard]] std::size_t states() const { return states_; }
  // Steps that were judged, and those at instructions with too many states.
  [[nodiscard]] std::uint64_t judged() const { return judged_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

  // To prove that a wrong claim is noticed: all that is remembered, to be spoilt.
  struct Remembered {
    std::vector<verifier::State> states;
    std::size_t last_hit = 0;
    bool too_many = false;
  };
  std::vector<Remembered>& remembered() { return remembered_; }

 private:
  void note_lengths(const verifier::Reg& reg);

  What what_;
  std::size_t most_;
  std::size_t states_ = 0;
  std::uint64_t judged_ = 0, skipped_ = 0;
  std::vector<Remembered> remembered_;  // one a slot
  verifier::Liveness live_;
  std::vector<const vm::Map*> maps_;  // of the program, then what is inside its maps of maps is like
  std::size_t own_maps_ = 0;          // how many of them are the program's
  std::set<std::size_t> lengths_;
};

// For each length one frame of noise and one that begins like one of `models`, cut off or filled up.
std::vector<Bytes> frames_of_lengths(const std::set<std::size_t>& lengths, std::span<const Bytes> models,
                                     std::uint32_t seed);

}  // namespace sluice::testing_support
