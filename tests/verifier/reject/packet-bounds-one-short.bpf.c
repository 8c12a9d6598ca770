// rule: packet-bounds
// code: pkt-bounds
// why: 13 bytes are checked, the protocol ends at 14
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if (data + 13 > data_end) return XDP_PASS;
  return eth->h_proto == bpf_htons(ETH_P_IP) ? XDP_DROP : XDP_PASS;  // <-- refused
}
