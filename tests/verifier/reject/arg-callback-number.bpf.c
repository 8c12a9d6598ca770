// rule: arg-callback
// code: arg-type
// why: a number is no function
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  return bpf_loop(4, (void *)(long)ctx->rx_queue_index, 0, 0) ? XDP_DROP : XDP_PASS;  // <-- refused
}
