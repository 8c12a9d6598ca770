// The check covers the fixed headers; the length of the IP options is added afterwards.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = (void *)(eth + 1);
  if ((void *)(ip + 1) > data_end) return XDP_PASS;
  struct tcphdr *tcp = (void *)ip + ip->ihl * 4;
  if (tcp->dest == bpf_htons(80)) return XDP_DROP;
  return XDP_PASS;
}
