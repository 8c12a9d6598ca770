// The hop limit is written without a check that reaches it.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if ((void *)(eth + 1) > data_end) return XDP_DROP;
  struct ipv6hdr *ip6 = (void *)(eth + 1);
  ip6->hop_limit = 64;
  return XDP_TX;
}
