// A function that adjusts the head makes its caller's packet pointers void too.
// patch: before line 14: eth = (void *)(long)ctx->data; if ((void *)(eth + 1) > (void *)(long)ctx->data_end) return XDP_DROP;
#include "../verifier/prelude.bpf.inc"

static __noinline int push(struct xdp_md *ctx) { return bpf_xdp_adjust_head(ctx, -8); }

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  if ((void *)(eth + 1) > data_end) return XDP_DROP;
  if (push(ctx)) return XDP_DROP;
  if (eth->h_dest[0] & 1) return XDP_PASS;
  return XDP_TX;
}
