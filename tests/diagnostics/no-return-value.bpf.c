// The program returns nothing.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
void program(struct xdp_md *ctx) {
}
