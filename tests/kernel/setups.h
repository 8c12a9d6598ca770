#pragma once
// The set-ups that are run both in the kernel and here: our programs with map contents that send frames down every
// branch, and test objects that use every helper and every kind of instruction.
#include <string>
#include <vector>

#include <ostream>

#include "tests/kernel/side.h"

namespace sluice::kernel {

struct Case {
  std::string name;  // letters, digits and underscores: the test's name
  Setup setup;
  std::vector<std::pair<Bytes, Bytes>> inputs;  // metadata, frame
  // Values that hold a clock: "part.map" -> first byte and number of bytes to leave out.
  struct Clock {
    std::string map;
    std::size_t offset = 0, size = 0;
  };
  std::vector<Clock> clocks;
  std::size_t contents_every = 1;  // frames between comparisons of map contents, where that takes long
};

std::vector<Case> all_cases();

inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

}  // namespace sluice::kernel
