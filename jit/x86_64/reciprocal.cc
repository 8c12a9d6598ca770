#include "jit/x86_64/reciprocal.h"

#include <bit>

namespace sluice::jit::x86_64 {
namespace {

__extension__ using Wide = unsigned __int128;

}  // namespace

// The least shift s for which m = ceil(2^(bits + s) / d) is exact enough: m * d - 2^(bits + s) <= 2^s. The one that
// makes 2^s >= d always is; then m has bits + 1 bits.
Reciprocal reciprocal(std::uint32_t divisor, unsigned bits) {
  for (unsigned shift = 0;; ++shift) {
    const Wide power = Wide{1} << (bits + shift);
    const Wide multiplier = (power + divisor - 1) / divisor;
    if (multiplier * divisor - power > (Wide{1} << shift)) continue;
    const Wide low = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    return {static_cast<std::uint64_t>(multiplier & low), multiplier > low, shift};
  }
}

}  // namespace sluice::jit::x86_64
