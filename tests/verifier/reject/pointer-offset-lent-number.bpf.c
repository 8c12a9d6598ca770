// why: what was known of memory is gone once a global function had it
// rule: pointer-offset
// code: ptr-arithmetic
#include "prelude.bpf.inc"

__u64 seen[8];

__attribute__((noinline)) int next(__u64 *number) {
  if (!number) return 0;
  *number += 5;
  return 1;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 at = ctx->rx_queue_index & 7;
  next(&at);
  seen[at] += 1;  // <-- refused
  return XDP_PASS;
}
