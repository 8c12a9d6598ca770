// Assembler writes the frame pointer.
// patch: line 7: write `r9 = r10` instead of `r10 = 0`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  asm volatile("r10 = 0");
  return XDP_PASS;
}
