// The body of a loop says neither "go on" nor "stop".
// patch: line 5: write `return 0` instead of `return index`
#include "../verifier/prelude.bpf.inc"

static long body(__u32 index, void *context) { return index; }

SEC("xdp")
int program(struct xdp_md *ctx) { return bpf_loop(4, body, 0, 0) ? XDP_DROP : XDP_PASS; }
