// rule: register-init
// code: uninit-read
// why: adjust_head moved the frame; eth still points at the old place
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if ((void *)(eth + 1) > data_end) return XDP_PASS;
  if (bpf_xdp_adjust_head(ctx, -4)) return XDP_ABORTED;
  eth->h_proto = bpf_htons(ETH_P_8021Q);  // <-- refused
  return XDP_TX;
}
