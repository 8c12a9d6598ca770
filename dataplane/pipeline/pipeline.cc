#include "dataplane/pipeline/pipeline.h"

#include <algorithm>

#include "base/check.h"

namespace sluice::pipeline {
namespace {

constexpr std::uint32_t kLowIfindices = 4096;  // table of 8 KiB; larger numbers are searched for

// Helpers whose answer is the time: ktime_get_ns, jiffies64, ktime_get_boot_ns, ktime_get_coarse_ns, ktime_get_tai_ns.
constexpr std::int32_t kClockHelpers[] = {5, 118, 125, 160, 208};

std::unique_ptr<vm::TimerRegistry> timers_of(const Pipeline::Parts& parts) {
  std::vector<vm::Map*> maps;
  for (const NamedMap& named : parts.maps) maps.push_back(named.map.get());
  for (const auto& stage : parts.stages) {
    for (const auto& map : stage->runner.program().program().maps) maps.push_back(map.get());
  }
  std::erase(maps, nullptr);
  auto registry = std::make_unique<vm::TimerRegistry>(maps);
  return registry->empty() ? nullptr : std::move(registry);
}

bool asks_for_time(const vm::LoadedProgram& program) {
  return std::ranges::any_of(program.insns, [](const vm::Insn& insn) {
    const vm::InsnRow* row = vm::find(insn);  // null for the second slot of an lddw
    return row != nullptr && row->kind == vm::Kind::kCallHelper && std::ranges::count(kClockHelpers, insn.imm) != 0;
  });
}

}  // namespace

Pipeline::Pipeline(Parts parts) : parts_(std::move(parts)), timers_(timers_of(parts_)) {
  SLUICE_CHECK(parts_.ports.size() < INT16_MAX && parts_.stages.size() <= UINT16_MAX);
  for (std::size_t i = 0; i < parts_.ports.size(); ++i) {
    const std::uint32_t ifindex = parts_.ports[i].ifindex;
    if (ifindex >= kLowIfindices) {
      high_ifindex_.emplace_back(ifindex, static_cast<std::int32_t>(i));
      continue;
    }
    if (ifindex >= low_ifindex_.size()) low_ifindex_.resize(ifindex + 1, kNone);
    low_ifindex_[ifindex] = static_cast<std::int16_t>(i);
  }
  std::ranges::sort(high_ifindex_);
  reads_clock_ = timers_ != nullptr || std::ranges::any_of(parts_.stages, [](const auto& stage) {
                   return asks_for_time(stage->runner.program().program());
                 });
}

bool Pipeline::takes_frags(std::size_t chain) const noexcept {
  const Chain& entered = parts_.chains[chain];
  const auto takes = [this](std::size_t at) { return stage(at).runner.program().program().frags; };
  return takes(entered.entry) && std::ranges::all_of(entered.links, takes, &Link::stage);
}

std::int32_t Pipeline::port_of(std::uint32_t ifindex) const noexcept {
  if (ifindex < low_ifindex_.size()) return low_ifindex_[ifindex];
  if (ifindex < kLowIfindices) return kNone;
  const auto found =
      std::ranges::lower_bound(high_ifindex_, ifindex, {}, [](const auto& entry) { return entry.first; });
  return found != high_ifindex_.end() && found->first == ifindex ? found->second : kNone;
}

std::int32_t Pipeline::port_named(std::string_view name) const noexcept {
  const auto found = std::ranges::find(parts_.ports, name, &Port::name);
  return found == parts_.ports.end() ? kNone : static_cast<std::int32_t>(found - parts_.ports.begin());
}

}  // namespace sluice::pipeline
