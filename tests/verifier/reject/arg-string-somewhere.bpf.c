// rule: arg-string
// code: arg-type
// why: which text it is differs from frame to frame
#include "prelude.bpf.inc"

const char texts[16] = "eth0\0lan0\0wan0";

SEC("xdp")
int program(struct xdp_md *ctx) {
  char name[8] = {};
  return bpf_strncmp(name, sizeof(name), texts + (ctx->rx_queue_index & 7)) ? XDP_PASS : XDP_DROP;  // <-- refused
}
