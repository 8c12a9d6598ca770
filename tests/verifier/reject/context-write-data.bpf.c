// rule: context-write
// code: ctx-access
// why: data is moved with a helper, not by assignment
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  *(volatile __u32 *)&ctx->data = ctx->rx_queue_index;  // <-- refused
  return XDP_PASS;
}
