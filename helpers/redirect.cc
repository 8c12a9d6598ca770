#include "helpers/functions.h"
#include "vm/maps/map.h"
#include "vm/xdp.h"

namespace sluice::helpers {
namespace {

constexpr Arg kAborted = static_cast<Arg>(vm::Verdict::kAborted);
constexpr Arg kRedirected = static_cast<Arg>(vm::Verdict::kRedirect);
constexpr Arg kActionMask = 3;            // what redirect_map returns on a miss: ABORTED, DROP, PASS or TX
constexpr Arg kBroadcast = 1U << 3;       // BPF_F_BROADCAST, linux/bpf.h
constexpr Arg kExcludeIngress = 1U << 4;  // BPF_F_EXCLUDE_INGRESS

}  // namespace

Arg redirect(Arg ifindex, Arg flags, Arg, Arg, Arg, vm::ExecEnv& env) noexcept {
  if (flags != 0) return kAborted;
  env.frame->redirect = {.kind = vm::Redirect::Kind::kIfindex, .ifindex = static_cast<std::uint32_t>(ifindex)};
  return kRedirected;
}

Arg redirect_map(Arg map, Arg key, Arg flags, Arg, Arg, vm::ExecEnv& env) noexcept {
  if ((flags & ~(kActionMask | kBroadcast | kExcludeIngress)) != 0) return kAborted;
  // The row's map_types admit devmaps only.
  auto& devmap = static_cast<vm::Devmap&>(*reinterpret_cast<vm::Map*>(map));
  vm::Redirect& asked = env.frame->redirect;
  if ((flags & kBroadcast) != 0) {
    asked = {.kind = vm::Redirect::Kind::kBroadcast, .flags = flags, .map = &devmap};
    return kRedirected;
  }
  vm::DevmapEntry entry;
  if (!devmap.resolve(static_cast<std::uint32_t>(key), entry)) {
    asked = {};
    return flags & kActionMask;
  }
  asked = {.kind = vm::Redirect::Kind::kEntry, .ifindex = entry.ifindex, .map = &devmap, .program = entry.program};
  return kRedirected;
}

}  // namespace sluice::helpers
