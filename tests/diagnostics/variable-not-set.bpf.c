// Assembler reads a variable that nobody set.
// patch: line 8: write `r8 = 1` instead of `r8 += 1`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  long verdict;
  asm volatile("r8 += 1; %0 = r8" : "=r"(verdict) : : "r8");
  return verdict & 1;
}
