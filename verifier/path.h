#pragma once
// The one path that failed, walked again for the message's sake: where values came from, which compares were made and
// what became of them. Programs that are accepted pay nothing for it: the walk is repeated, and recorded, only when it
// has failed. Internal to the verifier.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verifier/context.h"

namespace sluice::verifier {

// All instructions walked, each with the one before it on its path.
class PathTree {
 public:
  static constexpr std::uint32_t kRoot = UINT32_MAX;

  // A walk begins in `state`, the paths of earlier ones are forgotten.
  void begin(const State& state);
  // `slot` is walked next, after what `here` stands for; gives what stands for the longer path.
  std::uint32_t add(std::uint32_t here, std::uint32_t slot);
  [[nodiscard]] const State& start() const noexcept { return start_; }
  // The slots from the start up to `here`.
  [[nodiscard]] std::vector<std::uint32_t> slots_to(std::uint32_t here) const;

  std::uint32_t last = kRoot;  // the path that was walked last

 private:
  struct Step {
    std::uint32_t before, slot;
  };
  State start_;
  std::vector<Step> steps_;
};

// A place that holds a value: a register or eight aligned bytes of stack of one frame of the call chain.
struct Place {
  std::int16_t frame = -1;  // -1 = nowhere
  std::int16_t reg = -1;    // -1 = the stack
  std::int32_t stack = -1;  // Frame::stack

  friend bool operator==(const Place&, const Place&) = default;
};

// A value was put into `to`. From where it came tells whether it is the same value (a copy) or a new one.
struct Write {
  std::uint32_t step = 0;
  Place to;
  Place from;  // nowhere: the value is new
};

struct Compare {
  enum class Kind : std::uint8_t { kEnd, kNull, kNumber };
  Kind kind = Kind::kEnd;
  std::uint32_t step = 0;
  std::uint32_t slot = 0;
  std::uint32_t id = 0;  // of the pointer or number compared
  Place what{};          // kEnd, kNumber: what is compared
  Type type = Type::kNothing;
  Type end = Type::kNothing;  // kEnd: what it is compared with, a number when a call has moved the packet since
  Place with{};               // kEnd: where that is
  std::int32_t proven = 0;    // kEnd: bytes from the variable part, 0 = it proves nothing on this path
  std::int64_t offset = 0;    // kEnd: constant part of the pointer compared
  bool variable = false;      // kEnd: the pointer compared has a variable part
  bool too_far = false;       // kEnd: that part reaches too far for any proof
  bool was_null = false;      // kNull: this path goes on with null
  bool in_order = true;       // kEnd: by <, <=, >, >=
};

struct Path {
  std::vector<std::uint32_t> slots;      // one a step
  std::vector<Write> writes;             // ascending by step
  std::vector<Compare> compares;         // ascending by step
  std::vector<std::uint32_t> moves;      // steps of calls that ended all packet pointers
  std::vector<std::uint32_t> distances;  // steps that subtract packet pointers from each other
  State before_move;                     // before the last of them that is a helper's
  State end;                             // before the instruction that failed
  bool complete = false;                 // the walk came to the end; else nothing above is to be trusted

  // The write that put the value into `place` as it is after `step` steps; copies are not followed.
  [[nodiscard]] const Write* writer(Place place, std::uint32_t step) const;
  // Steps at which the value that `place` holds after `step` steps was written, copies included, the latest first.
  [[nodiscard]] std::vector<std::uint32_t> history(Place place, std::uint32_t step) const;
  // Where that value was when it was new, and the step that made it; nowhere when it was there from the start.
  struct Origin {
    Place place;
    std::uint32_t step = 0;
    friend bool operator==(const Origin&, const Origin&) = default;
  };
  [[nodiscard]] Origin origin(Place place, std::uint32_t step) const;
  // The last time that the instruction at `slot` was walked.
  [[nodiscard]] std::optional<std::uint32_t> last_step_at(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t length() const { return static_cast<std::uint32_t>(slots.size()); }
  [[nodiscard]] Place here(int reg) const {
    return {static_cast<std::int16_t>(end.frames.size() - 1), static_cast<std::int16_t>(reg), -1};
  }
};

// Walks the slots of `tree` up to `here` again.
Path follow(Context& context, const PathTree& tree, std::uint32_t here);

// What changed between the last two times a path came to the loop head it met most often.
struct Rounds {
  std::uint32_t head = 0;                 // slot
  std::uint32_t count = 0;                // times it was met on this path
  std::uint32_t instructions = 0;         // of the last round
  int reg = -1;                           // a number that differed: a register, or -1
  std::int32_t stack = -1;                // .. or a place on the stack
  std::string before, after;              // its values
  std::vector<std::uint32_t> last_round;  // slots
};
std::optional<Rounds> hottest_loop(Context& context, const PathTree& tree, std::uint32_t here);

}  // namespace sluice::verifier
