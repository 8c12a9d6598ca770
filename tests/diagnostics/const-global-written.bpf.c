// A const global is written through a cast.
// patch: line 5: write `volatile __u32 limit` instead of `const volatile __u32 limit`
#include "../verifier/prelude.bpf.inc"

const volatile __u32 limit = 10;

SEC("xdp")
int program(struct xdp_md *ctx) {
  if (ctx->rx_queue_index > limit) return XDP_DROP;
  *(volatile __u32 *)&limit = ctx->rx_queue_index;
  return XDP_PASS;
}
