// data_end is the first byte behind the frame.
// patch: line 8: write `ctx->data` instead of `ctx->data_end`
// patch: line 9: write `(void *)(data_end + 1) <= (void *)(long)ctx->data_end && *data_end ?` instead of `*data_end ?`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 *data_end = (void *)(long)ctx->data_end;
  return *data_end ? XDP_DROP : XDP_PASS;
}
