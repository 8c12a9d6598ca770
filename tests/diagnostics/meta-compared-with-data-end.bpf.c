// Metadata ends where data begins; a compare with data_end proves nothing.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 *mark = (void *)(long)ctx->data_meta;
  void *data_end = (void *)(long)ctx->data_end;
  if ((void *)(mark + 1) > data_end) return XDP_PASS;
  if (*mark == 7) return XDP_DROP;
  return XDP_PASS;
}
