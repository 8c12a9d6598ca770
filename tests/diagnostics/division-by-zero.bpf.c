// Assembler divides by the constant 0.
// patch: line 8: write `/= 2` instead of `/= 0`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 share = ctx->rx_queue_index;
  asm volatile("%0 /= 0" : "+r"(share));
  return share ? XDP_DROP : XDP_PASS;
}
