// A helper number that no kernel knows.
#include "../verifier/prelude.bpf.inc"

static long (*bpf_shiny_new_helper)(void *ctx) = (void *)4711;

SEC("xdp")
int program(struct xdp_md *ctx) {
  return bpf_shiny_new_helper(ctx) ? XDP_DROP : XDP_PASS;
}
