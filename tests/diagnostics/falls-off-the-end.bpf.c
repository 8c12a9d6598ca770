// The function promises that its end is never reached.
// patch: line 7: write `return XDP_PASS;` instead of `__builtin_unreachable();`
#include "../verifier/prelude.bpf.inc"

static __noinline int verdict(struct xdp_md *ctx) {
  asm volatile("r0 = 1");
  __builtin_unreachable();
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  return verdict(ctx);
}
