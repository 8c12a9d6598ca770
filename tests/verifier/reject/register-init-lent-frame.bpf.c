// why: a global function that moves the frame must not go on with what it was lent of it
// rule: register-init
// code: uninit-read
// kernel: accepts, because it does not know what the memory is part of
#include "prelude.bpf.inc"

__attribute__((noinline)) int strip(struct xdp_md *ctx, struct ethhdr *eth) {
  if (!eth) return 0;
  if (bpf_xdp_adjust_head(ctx, sizeof(*eth))) return 0;
  return eth->h_proto;  // <-- refused
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *end = (void *)(long)ctx->data_end;
  if (data + sizeof(struct ethhdr) > end) return XDP_PASS;
  return strip(ctx, data) ? XDP_TX : XDP_DROP;
}
