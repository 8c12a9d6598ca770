// why: null is a context
#include "prelude.bpf.inc"

static long stop(__u32 index, void *context) { return index == 3; }

SEC("xdp")
int program(struct xdp_md *ctx) { return bpf_loop(10, stop, 0, 0) == 4 ? XDP_PASS : XDP_DROP; }
