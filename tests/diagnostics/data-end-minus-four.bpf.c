// The last four bytes are looked for from the end.
// patch: line 10: write `data + 60` instead of `data_end - 4`
// patch: line 11: write `(void *)(crc + 1) > data_end` instead of `(void *)crc < data`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u32 *crc = data_end - 4;
  if ((void *)crc < data) return XDP_PASS;
  return *crc ? XDP_DROP : XDP_PASS;
}
