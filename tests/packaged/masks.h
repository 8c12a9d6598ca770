#pragma once
// Parts of map values that two runs of the same program never have in common: clocks and random numbers.
#include <string>
#include <string_view>

#include "tests/kernel/side.h"

namespace sluice::kernel {

struct Mask {
  std::string_view object, map;
  std::size_t offset = 0, size = 0;  // of the value, in bytes
  std::string_view why;
};

// Blanks what kMasks names.
void mask(std::string_view object, Contents& contents);

}  // namespace sluice::kernel
