// rule: callback-static
// code: bad-call
// why: a global function has other arguments than a body
#include "prelude.bpf.inc"

__attribute__((noinline)) long body(__u32 index, void *context) { return index > 2; }

SEC("xdp")
int program(struct xdp_md *ctx) {
  return bpf_loop(4, body, 0, 0) ? XDP_DROP : XDP_PASS;  // <-- refused
}
