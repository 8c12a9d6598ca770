// Assembler jumps past the end.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("goto +100");
  return XDP_PASS;
}
