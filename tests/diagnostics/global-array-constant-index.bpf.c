// A constant index just past the end of a global array.
#include "../verifier/prelude.bpf.inc"

__u64 frames[8];

SEC("xdp")
int program(struct xdp_md *ctx) {
  *(volatile __u64 *)&frames[8] = 1;
  return XDP_PASS;
}
