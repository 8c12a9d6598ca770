// The helper wants the program's context, it gets the packet.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  if (bpf_xdp_adjust_head(data, 14)) return XDP_DROP;
  return XDP_PASS;
}
