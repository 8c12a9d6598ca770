// The program returns nothing.
// patch: line 7: write `int program` instead of `void program`
// patch: after line 7: return XDP_PASS;
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
void program(struct xdp_md *ctx) {
}
