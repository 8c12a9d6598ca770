// What the loop calls is a number of the program's own.
// patch: line 10: write `body` instead of `(void *)ctx->rx_queue_index`
#include "../verifier/prelude.bpf.inc"

static long body(__u32 index, void *context) { return index > 2; }

SEC("xdp")
int program(struct xdp_md *ctx) {
  // A loop of four rounds.
  return bpf_loop(4, (void *)ctx->rx_queue_index, 0, 0) ? XDP_DROP : XDP_PASS;
}
