// Assembler writes the frame pointer.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("r10 = 0");
  return XDP_PASS;
}
