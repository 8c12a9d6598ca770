// Metadata is read without a compare with data.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 *mark = (void *)(long)ctx->data_meta;
  if (*mark == 7) return XDP_DROP;
  return XDP_PASS;
}
