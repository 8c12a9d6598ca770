#include "verifier/context.h"

#include <algorithm>

namespace sluice::verifier {

void FactRecorder::access(std::uint32_t slot, vm::Region region, std::int64_t min, std::int64_t max, std::int32_t map) {
  vm::InsnFacts& facts_here = facts.insns[slot];
  if (!seen_[slot].region) {
    seen_[slot].region = true;
    facts_here.region = region;
    facts_here.min_offset = min;
    facts_here.max_offset = max;
  } else if (facts_here.region != region) {
    facts_here.region = vm::Region::kUnknown;
    facts_here.min_offset = facts_here.max_offset = 0;
  } else if (region != vm::Region::kUnknown) {
    facts_here.min_offset = std::min(facts_here.min_offset, min);
    facts_here.max_offset = std::max(facts_here.max_offset, max);
  }
  map_argument(slot, map);
}

void FactRecorder::map_argument(std::uint32_t slot, std::int32_t map) {
  std::int32_t& known = facts.insns[slot].map;
  if (!seen_[slot].map) {
    seen_[slot].map = true;
    known = map;
  } else if (known != map) {
    known = -1;
  }
}

void FactRecorder::key(std::uint32_t slot, std::int64_t constant) {
  std::int64_t& known = facts.insns[slot].key_constant;
  if (!seen_[slot].key) {
    seen_[slot].key = true;
    known = constant;
  } else if (known != constant) {
    known = -1;
  }
}

}  // namespace sluice::verifier
