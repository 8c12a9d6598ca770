// The last four bytes are looked for from the end.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u32 *crc = data_end - 4;
  if ((void *)crc < data) return XDP_PASS;
  return *crc ? XDP_DROP : XDP_PASS;
}
