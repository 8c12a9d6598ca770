// Two million rounds are too many to follow.
#include "../verifier/prelude.bpf.inc"

__u64 sum;

SEC("xdp")
int program(struct xdp_md *ctx) {
  for (__u32 i = 0; i < 2000000; i++) {
    sum += i;
    asm volatile("" ::: "memory");
  }
  return XDP_PASS;
}
