// bpf_xdp_adjust_meta makes all packet pointers void.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  if (bpf_xdp_adjust_meta(ctx, -4)) return XDP_PASS;
  __u32 *mark = (void *)(long)ctx->data_meta;
  if ((void *)(mark + 1) > data) return XDP_PASS;
  *mark = 1;
  return XDP_PASS;
}
