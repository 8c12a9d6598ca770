// why: many ways, each with its own proven length, come together
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if ((void *)(eth + 1) > data_end) return XDP_PASS;
  __u8 protocol = 0;
  switch (eth->h_proto) {
    case bpf_htons(ETH_P_IP): {
      struct iphdr *ip = (void *)(eth + 1);
      if ((void *)(ip + 1) > data_end) return XDP_DROP;
      protocol = ip->protocol;
      break;
    }
    case bpf_htons(ETH_P_IPV6): {
      struct ipv6hdr *ip6 = (void *)(eth + 1);
      if ((void *)(ip6 + 1) > data_end) return XDP_DROP;
      protocol = ip6->nexthdr;
      break;
    }
    default: return XDP_PASS;
  }
  return protocol == IPPROTO_TCP ? XDP_TX : protocol == IPPROTO_UDP ? XDP_DROP : XDP_PASS;
}
