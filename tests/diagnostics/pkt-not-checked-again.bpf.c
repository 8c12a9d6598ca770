// After bpf_xdp_adjust_head the pointers are read again, but not checked again.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  if (data + 2 * sizeof(struct ethhdr) > data_end) return XDP_DROP;
  if (bpf_xdp_adjust_head(ctx, sizeof(struct ethhdr))) return XDP_DROP;
  data = (void *)(long)ctx->data;
  data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  eth->h_proto = bpf_htons(ETH_P_IP);
  return XDP_PASS;
}
