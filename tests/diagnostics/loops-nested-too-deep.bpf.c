// A thousand rounds of a thousand rounds.
#include "../verifier/prelude.bpf.inc"

__u64 sum;

SEC("xdp")
int program(struct xdp_md *ctx) {
  for (__u32 i = 0; i < 1000; i++) {
    for (__u32 j = 0; j < 1000; j++) {
      sum += i ^ j;
      asm volatile("" ::: "memory");
    }
  }
  return XDP_PASS;
}
