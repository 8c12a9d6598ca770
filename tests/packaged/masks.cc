#include "tests/packaged/masks.h"

#include <algorithm>

namespace sluice::kernel {
namespace {

constexpr Mask kMasks[] = {
    {"xdping_kern", "ping_map", 0, 8, "when the last request was sent"},
    {"xdping_kern", "ping_map", 16, 80, "times between requests and their answers"},
};

}  // namespace

void mask(std::string_view object, Contents& contents) {
  for (const Mask& mask : kMasks) {
    if (mask.object != object) continue;
    for (auto& [key, value] : contents[std::string(mask.map)]) {
      if (mask.offset >= value.size()) continue;
      std::fill_n(value.begin() + static_cast<std::ptrdiff_t>(mask.offset),
                  std::min(mask.size, value.size() - mask.offset), std::byte{0});
    }
  }
}

}  // namespace sluice::kernel
