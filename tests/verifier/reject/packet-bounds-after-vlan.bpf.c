// rule: packet-bounds
// code: pkt-bounds
// why: a VLAN tag pushed the header on by 4 bytes, the check did not follow
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = data + 14;
  if (data + 14 + sizeof(*ip) > data_end) return XDP_PASS;
  if (eth->h_proto == bpf_htons(ETH_P_8021Q)) {
    ip = data + 18;
    return ip->daddr == 0 ? XDP_DROP : XDP_PASS;  // <-- refused
  }
  return XDP_PASS;
}
