// rule: register-init
// code: uninit-read
// why: the body moves the frame
#include "prelude.bpf.inc"

static long grow(__u32 index, struct xdp_md **ctx) { return bpf_xdp_adjust_head(*ctx, -4) != 0; }

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct xdp_md *copy = ctx;
  __u8 *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
  if (data + 14 > data_end) return XDP_DROP;
  bpf_loop(3, grow, &copy, 0);
  return data[12] & 1 ? XDP_TX : XDP_PASS;  // <-- refused
}
