// rule: size-limit
// code: arg-size
// why: the length comes out of the frame and nobody bounds it
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 buffer[64];
  __u32 length = ctx->rx_queue_index;
  if (length == 0) return XDP_PASS;
  if (bpf_xdp_load_bytes(ctx, 14, buffer, length))  // <-- refused
    return XDP_PASS;
  return buffer[0] == 7 ? XDP_DROP : XDP_PASS;
}
