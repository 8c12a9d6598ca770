#include "verifier/claims.h"

#include <algorithm>

namespace sluice::verifier {
namespace {

using vm::RegisterClaim;

RegisterClaim claim_of(const Reg& reg) {
  if (reg.is_pointer() && !may_be_null(reg.type)) return {.kind = RegisterClaim::Kind::kPointer};
  if (!reg.is_scalar()) return {};
  const auto bits = reg.value.bits();
  return {.kind = RegisterClaim::Kind::kScalar,
          .umin = reg.value.umin(),
          .umax = reg.value.umax(),
          .smin = reg.value.smin(),
          .smax = reg.value.smax(),
          .known_value = bits.value,
          .unknown_mask = bits.mask};
}

RegisterClaim join(const RegisterClaim& a, const RegisterClaim& b) {
  if (a.kind != b.kind || a.kind == RegisterClaim::Kind::kNothing) return {};
  const Tnum<std::uint64_t> bits =
      Tnum<std::uint64_t>{a.known_value, a.unknown_mask}.unite({b.known_value, b.unknown_mask});
  return {.kind = a.kind,
          .umin = std::min(a.umin, b.umin),
          .umax = std::max(a.umax, b.umax),
          .smin = std::min(a.smin, b.smin),
          .smax = std::max(a.smax, b.smax),
          .known_value = bits.value,
          .unknown_mask = bits.mask};
}

}  // namespace

void record_claims(Context& context, const State& state, bool first) {
  for (unsigned r = 0; r < vm::kRegisters; ++r) {
    const RegisterClaim now = claim_of(state.reg(r));
    RegisterClaim& claim = context.recorder.facts.claims[state.slot][r];
    claim = first ? now : join(claim, now);
  }
}

}  // namespace sluice::verifier
