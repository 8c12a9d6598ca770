// Two fields are read at once.
// patch: line 8: write `ctx->data_end` instead of `*pair >> 32`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 *pair = (void *)ctx;
  if (*pair >> 32 == 3) return XDP_DROP;
  return XDP_PASS;
}
