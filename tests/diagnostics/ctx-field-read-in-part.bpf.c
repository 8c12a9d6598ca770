// Only the low byte of a field is read.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 queue = *(volatile __u8 *)&ctx->rx_queue_index;
  if (queue == 3) return XDP_DROP;
  return XDP_PASS;
}
