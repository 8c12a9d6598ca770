// Two functions of 300 bytes each call each other.
// patch: line 7: write `buffer[100]` instead of `buffer[300]`
// patch: line 9: write `buffer[99]` instead of `buffer[299]`
#include "../verifier/prelude.bpf.inc"

static __noinline int inner(struct xdp_md *ctx) {
  __u8 buffer[300];
  if (bpf_xdp_load_bytes(ctx, 300, buffer, sizeof(buffer))) return 0;
  return buffer[299];
}

static __noinline int outer(struct xdp_md *ctx) {
  __u8 buffer[300];
  if (bpf_xdp_load_bytes(ctx, 0, buffer, sizeof(buffer))) return 0;
  return buffer[299] + inner(ctx);
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  return outer(ctx) ? XDP_DROP : XDP_PASS;
}
