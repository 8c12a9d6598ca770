#include "verifier/context.h"

#include <algorithm>

#include "vm/maps/map.h"

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

Context::Context(const vm::LoadedProgram& p, const vm::HelperTable& h, const Options& o, RuleSet r)
    : program(p), helpers(h), options(o), rules(r), recorder(p.insns.size()), inner_of(p.maps.size(), -1) {
  for (std::size_t i = 0; i < p.maps.size(); ++i) {
    const auto* const outer = dynamic_cast<const vm::MapOfMaps*>(p.maps[i].get());
    if (outer == nullptr) continue;
    inner_of[i] = static_cast<std::int32_t>(p.maps.size() + inner.size());
    inner.push_back(&outer->like());
  }
}

const vm::Map* Context::map(std::int32_t index) const noexcept {
  if (index < 0) return nullptr;
  const auto at = static_cast<std::size_t>(index);
  return at < program.maps.size() ? program.maps[at].get() : inner[at - program.maps.size()];
}

std::int32_t Context::inner_map(std::int32_t index) const noexcept {
  return program_map(index) >= 0 ? inner_of[static_cast<std::size_t>(index)] : -1;
}

}  // namespace sluice::verifier
