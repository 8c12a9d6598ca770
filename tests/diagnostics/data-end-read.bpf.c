// data_end is the first byte behind the frame.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u8 *data_end = (void *)(long)ctx->data_end;
  return *data_end ? XDP_DROP : XDP_PASS;
}
