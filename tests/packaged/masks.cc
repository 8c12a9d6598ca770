#include "tests/packaged/masks.h"

#include <algorithm>

namespace sluice::kernel {
namespace {

constexpr Mask kMasks[] = {
    {"xdping_kern", "ping_map", 8, 88, "times between a request and its answer"},
    {"test_xdp_noinline", "lru_cache", 8, 8, "when a connection was last seen"},
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
