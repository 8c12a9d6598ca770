// The check is one byte short of what is read.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if (data + sizeof(*eth) - 1 > data_end) return XDP_DROP;
  if (eth->h_proto == bpf_htons(ETH_P_ARP)) return XDP_PASS;
  return XDP_TX;
}
