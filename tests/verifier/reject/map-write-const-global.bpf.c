// rule: map-write
// code: map-access
// why: a constant is written through a pointer that lost its const
#include "prelude.bpf.inc"

const volatile __u32 limit = 10;

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 *writable = (__u32 *)&limit;
  *(volatile __u32 *)writable = ctx->rx_queue_index;  // <-- refused
  return XDP_PASS;
}
