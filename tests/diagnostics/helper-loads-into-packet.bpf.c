// bpf_xdp_load_bytes is to write into the packet.
// patch: line 11: write `bytes, 4)` instead of `data, 4)`
// patch: before line 11: __u8 bytes[4];
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  if (data + 8 > data_end) return XDP_PASS;
  if (bpf_xdp_load_bytes(ctx, 100, data, 4)) return XDP_PASS;
  return XDP_TX;
}
