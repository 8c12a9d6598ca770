// rule: stack-depth
// code: stack-depth
// why: two functions with buffers of 320 bytes each
#include "prelude.bpf.inc"

static __attribute__((noinline)) int inner(struct xdp_md *ctx) {
  volatile __u64 buffer[40];
  buffer[ctx->rx_queue_index & 31] = 1;
  return buffer[ctx->ingress_ifindex & 31] == 1;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  volatile __u64 buffer[40];
  buffer[ctx->rx_queue_index & 31] = 1;
  if (inner(ctx))  // <-- refused
    return XDP_DROP;
  return buffer[ctx->ingress_ifindex & 31] == 2 ? XDP_DROP : XDP_PASS;
}
