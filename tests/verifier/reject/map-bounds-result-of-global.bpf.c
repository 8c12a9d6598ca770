// why: what a global function returns is any number to its callers
// rule: map-bounds
// code: map-bounds
#include "prelude.bpf.inc"

__u64 seen[8];

__attribute__((noinline)) int clamp(__u32 *number) {
  if (!number) return 0;
  return *number & 7;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 queue = ctx->rx_queue_index;
  __u32 at = clamp(&queue);
  seen[at] += 1;  // <-- refused
  return XDP_PASS;
}
