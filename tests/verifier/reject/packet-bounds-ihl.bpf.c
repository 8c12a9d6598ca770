// rule: packet-bounds
// code: pkt-bounds
// why: the check covers the fixed headers, the options in front of TCP moved it beyond
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = (void *)(eth + 1);
  if ((void *)(ip + 1) > data_end) return XDP_PASS;
  struct tcphdr *tcp = (void *)ip + ip->ihl * 4;
  if (tcp->dest == bpf_htons(80))  // <-- refused
    return XDP_DROP;
  return XDP_PASS;
}
