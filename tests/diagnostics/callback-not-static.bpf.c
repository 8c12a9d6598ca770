// The body of a loop is a global function.
// patch: line 5: write `static __attribute__((noinline)) long` instead of `__attribute__((noinline)) long`
#include "../verifier/prelude.bpf.inc"

__attribute__((noinline)) long body(__u32 index, void *context) { return index > 2; }

SEC("xdp")
int program(struct xdp_md *ctx) {
  return bpf_loop(4, body, 0, 0) ? XDP_DROP : XDP_PASS;
}
