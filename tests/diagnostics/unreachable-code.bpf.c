// Assembler jumps over what follows.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("goto +1; r0 = 0");
  return XDP_PASS;
}
