// A const global is written through a cast.
#include "../verifier/prelude.bpf.inc"

const volatile __u32 limit = 10;

SEC("xdp")
int program(struct xdp_md *ctx) {
  if (ctx->rx_queue_index > limit) return XDP_DROP;
  *(volatile __u32 *)&limit = ctx->rx_queue_index;
  return XDP_PASS;
}
