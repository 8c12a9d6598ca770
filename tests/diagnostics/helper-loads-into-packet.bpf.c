// bpf_xdp_load_bytes is to write into the packet.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  if (data + 8 > data_end) return XDP_PASS;
  if (bpf_xdp_load_bytes(ctx, 100, data, 4)) return XDP_PASS;
  return XDP_TX;
}
