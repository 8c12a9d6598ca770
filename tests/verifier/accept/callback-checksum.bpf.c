// why: the body of a loop gets its bounds through the stack and checks every byte itself
#include "prelude.bpf.inc"

struct span {
  struct xdp_md *ctx;
  __u32 sum;
};

static long add_byte(__u32 index, void *context) {
  struct span *span = context;
  __u8 *data = (void *)(long)span->ctx->data;
  __u8 *data_end = (void *)(long)span->ctx->data_end;
  if (index > 1500 || data + index + 1 > data_end) return 1;
  span->sum += data[index];
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct span span = {.ctx = ctx};
  long rounds = bpf_loop(ctx->data_end - ctx->data + 1, add_byte, &span, 0);
  if (rounds < 0) return XDP_ABORTED;
  return (span.sum + rounds) & 1 ? XDP_DROP : XDP_PASS;
}
