// Assembler jumps over what follows.
// patch: line 7: write `r0 = 0` instead of `goto +1; r0 = 0`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("goto +1; r0 = 0");
  return XDP_PASS;
}
