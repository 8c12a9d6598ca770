// The address is of a place behind the global array.
// patch: line 9: write `&frames[7]` instead of `&frames[9]`
#include "../verifier/prelude.bpf.inc"

__u64 frames[8];

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 *last = &frames[9];
  asm volatile("" : "+r"(last));
  *last += 1;
  return XDP_PASS;
}
