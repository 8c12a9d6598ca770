// Two functions call each other.
// patch: line 14: write `return *n * 2;` instead of `return step(n) * 2;`
#include "../verifier/prelude.bpf.inc"

static __noinline int walk(volatile __u32 *n);

static __noinline int step(volatile __u32 *n) {
  *n = *n - 1;
  return walk(n) + 1;
}

static __noinline int walk(volatile __u32 *n) {
  if (*n == 0) return 0;
  return step(n) * 2;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  volatile __u32 n = ctx->rx_queue_index;
  return walk(&n) > 8 ? XDP_DROP : XDP_PASS;
}
