// bpf_xdp_adjust_head makes all packet pointers void; one is used afterwards.
// patch: before line 12: eth = (void *)(long)ctx->data; if ((void *)(eth + 1) > (void *)(long)ctx->data_end) return XDP_DROP;
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if ((void *)(eth + 1) > data_end) return XDP_DROP;
  if (bpf_xdp_adjust_head(ctx, -20)) return XDP_DROP;
  eth->h_proto = bpf_htons(ETH_P_IP);
  return XDP_TX;
}
