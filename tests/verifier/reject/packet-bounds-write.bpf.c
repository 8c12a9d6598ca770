// rule: packet-bounds
// code: pkt-bounds
// message: write
// why: a header is written where none was checked
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct ethhdr *eth = (void *)(long)ctx->data;
  eth->h_proto = bpf_htons(ETH_P_IP);  // <-- refused
  return XDP_TX;
}
