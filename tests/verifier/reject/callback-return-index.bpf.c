// rule: callback-return
// code: callback-return
// why: more than 1 has no meaning
#include "prelude.bpf.inc"

static long body(__u32 index, void *context) {
  return index;  // <-- refused
}

SEC("xdp")
int program(struct xdp_md *ctx) { return bpf_loop(4, body, 0, 0) ? XDP_DROP : XDP_PASS; }
