// rule: stack-bounds
// code: stack-bounds
// why: the index goes up to 15, the table has 8 entries
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  volatile __u64 table[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  return table[ctx->rx_queue_index & 15] == 3 ? XDP_DROP : XDP_PASS;  // <-- refused
}
