// rule: map-bounds
// code: map-bounds
// why: nobody knows how often the body ran
#include "prelude.bpf.inc"

__u32 counts[64];

static long count(__u32 index, __u32 *rounds) {
  *rounds += 1;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 rounds = 0;
  bpf_loop(ctx->rx_queue_index, count, &rounds, 0);
  counts[rounds]++;  // <-- refused
  return XDP_PASS;
}
