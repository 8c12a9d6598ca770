// rule: packet-bounds
// code: pkt-bounds
// why: the IP header is read after a check of the Ethernet header only
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if ((void *)(eth + 1) > data_end) return XDP_PASS;
  if (eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
  struct iphdr *ip = (void *)(eth + 1);
  if (ip->protocol == IPPROTO_UDP)  // <-- refused
    return XDP_DROP;
  return XDP_PASS;
}
