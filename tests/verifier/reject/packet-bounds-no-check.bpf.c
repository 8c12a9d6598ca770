// rule: packet-bounds
// code: pkt-bounds
// why: no compare with data_end at all
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct ethhdr *eth = (void *)(long)ctx->data;
  if (eth->h_proto == bpf_htons(ETH_P_ARP))  // <-- refused
    return XDP_DROP;
  return XDP_PASS;
}
