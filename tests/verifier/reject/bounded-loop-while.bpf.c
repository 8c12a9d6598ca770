// rule: bounded-loop
// code: infinite-loop
// why: the loop waits for a number that it does not change
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 queue = ctx->rx_queue_index;
  while (queue != 3) {  // <-- refused
    asm volatile("");
  }
  return XDP_PASS;
}
