// A field of the context is written.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  ctx->rx_queue_index = 0;
  return XDP_PASS;
}
