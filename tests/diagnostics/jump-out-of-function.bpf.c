// Assembler jumps past the end.
// patch: line 7: write `goto +0` instead of `goto +100`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("goto +100");
  return XDP_PASS;
}
