// The pointer that the adjustment made void was kept on the stack.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *volatile kept = data;
  if (data + sizeof(struct ethhdr) > data_end) return XDP_DROP;
  if (bpf_xdp_adjust_head(ctx, -8)) return XDP_DROP;
  if (kept->h_proto == bpf_htons(ETH_P_ARP)) return XDP_PASS;
  return XDP_TX;
}
