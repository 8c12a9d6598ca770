// The packet is read without any compare with data_end.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  struct ethhdr *eth = data;
  if (eth->h_proto == bpf_htons(ETH_P_IPV6)) return XDP_DROP;
  return XDP_PASS;
}
