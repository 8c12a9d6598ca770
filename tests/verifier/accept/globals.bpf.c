// why: global variables: a constant one bounds an index, the others count
#include "prelude.bpf.inc"

const volatile __u32 mask = 7;
__u64 seen[8];
__u64 total = 1;

SEC("xdp")
int program(struct xdp_md *ctx) {
  seen[ctx->rx_queue_index & mask & 7]++;
  __sync_fetch_and_add(&total, 1);
  return total & 1 ? XDP_PASS : XDP_DROP;
}
