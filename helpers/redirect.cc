#include "helpers/functions.h"
#include "vm/maps/cpumap.h"
#include "vm/maps/map.h"
#include "vm/maps/xskmap.h"
#include "vm/xdp.h"

namespace sluice::helpers {
namespace {

constexpr Arg kAborted = static_cast<Arg>(vm::Verdict::kAborted);
constexpr Arg kRedirected = static_cast<Arg>(vm::Verdict::kRedirect);
constexpr Arg kActionMask = 3;            // what redirect_map returns on a miss: ABORTED, DROP, PASS or TX
constexpr Arg kBroadcast = 1U << 3;       // BPF_F_BROADCAST, linux/bpf.h
constexpr Arg kExcludeIngress = 1U << 4;  // BPF_F_EXCLUDE_INGRESS

// Where an entry leads, kNone when there is none. The row's map_types admit these types only.
vm::Redirect resolve(const vm::Map& map, std::uint32_t key) noexcept {
  using Kind = vm::Redirect::Kind;
  if (map.spec().type == vm::MapType::kCpumap) {
    const vm::ProgramSlot* program = nullptr;
    const bool there = static_cast<const vm::Cpumap&>(map).resolve(key, program);
    return {.kind = there ? Kind::kCpu : Kind::kNone, .ifindex = key, .program = program};
  }
  if (map.spec().type == vm::MapType::kXskmap) {
    const std::uint32_t ifindex = static_cast<const vm::Xskmap&>(map).resolve(key);
    return {.kind = ifindex != 0 ? Kind::kSocket : Kind::kNone, .ifindex = ifindex};
  }
  vm::DevmapEntry entry;
  const bool there = static_cast<const vm::Devmap&>(map).resolve(key, entry);
  return {.kind = there ? Kind::kEntry : Kind::kNone, .ifindex = entry.ifindex, .program = entry.program};
}

}  // namespace

Arg redirect(Arg ifindex, Arg flags, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  if (flags != 0 || env.frame == nullptr) return kAborted;
  env.frame->redirect = {.kind = vm::Redirect::Kind::kIfindex, .ifindex = static_cast<std::uint32_t>(ifindex)};
  return kRedirected;
}

Arg redirect_map(Arg map, Arg key, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept {
  if (env.frame == nullptr) return kAborted;  // a timer's callback: nothing to send
  auto& target = *reinterpret_cast<vm::Map*>(map);
  const vm::MapType type = target.spec().type;
  const bool devmap = type == vm::MapType::kDevmap || type == vm::MapType::kDevmapHash;
  if ((flags & ~(kActionMask | (devmap ? kBroadcast | kExcludeIngress : 0))) != 0) return kAborted;
  vm::Redirect& asked = env.frame->redirect;
  if ((flags & kBroadcast) != 0) {
    asked = {.kind = vm::Redirect::Kind::kBroadcast, .flags = flags, .map = &target};
    return kRedirected;
  }
  vm::Redirect found = resolve(target, static_cast<std::uint32_t>(key));
  found.map = &target;
  asked = found.kind == vm::Redirect::Kind::kNone ? vm::Redirect{} : found;
  return found.kind == vm::Redirect::Kind::kNone ? flags & kActionMask : kRedirected;
}

}  // namespace sluice::helpers
