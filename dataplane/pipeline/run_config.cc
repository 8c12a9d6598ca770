#include "dataplane/pipeline/run_config.h"

#include <algorithm>
#include <array>

namespace sluice::pipeline {
namespace {

constexpr std::array<std::string_view, 5> kVerdicts = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"};

}  // namespace

RunConfig run_config(const vm::Btf* btf, std::string_view function) {
  RunConfig config;
  if (btf == nullptr) return config;
  const auto variables = btf->variables(".xdp_run_config");
  const auto variable = std::ranges::find_if(variables, [function](const vm::Btf::Variable& one) {
    return one.name.starts_with('_') && one.name.substr(1) == function;
  });
  if (variable == variables.end()) return config;
  // As in map declarations, a number is the length of the array that a member points to.
  for (const vm::Btf::Member& member : btf->members(variable->type)) {
    const std::uint32_t value = btf->array(btf->pointee(member.type)).count;
    if (member.name == "priority") config.priority = value;
    const auto verdict = std::ranges::find(kVerdicts, member.name);
    if (verdict == kVerdicts.end()) continue;
    const std::uint32_t bit = 1U << static_cast<unsigned>(verdict - kVerdicts.begin());
    config.continue_on = value != 0 ? config.continue_on | bit : config.continue_on & ~bit;
  }
  return config;
}

}  // namespace sluice::pipeline
