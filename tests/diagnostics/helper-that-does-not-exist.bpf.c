// A helper number that no kernel knows.
// patch: line 9: write `return bpf_get_prandom_u32() & 1 ? XDP_DROP : XDP_PASS;` instead of `return bpf_shiny_new_helper(ctx) ? XDP_DROP : XDP_PASS;`
#include "../verifier/prelude.bpf.inc"

static long (*bpf_shiny_new_helper)(void *ctx) = (void *)4711;

SEC("xdp")
int program(struct xdp_md *ctx) {
  return bpf_shiny_new_helper(ctx) ? XDP_DROP : XDP_PASS;
}
