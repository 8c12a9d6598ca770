// The loop has no end.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  volatile __u32 queue = ctx->rx_queue_index;
  while (queue != 3) {
  }
  return XDP_PASS;
}
