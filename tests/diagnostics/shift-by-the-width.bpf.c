// Assembler shifts by all 64 bits.
// patch: line 8: write `<<= 63` instead of `<<= 64`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 hash = ctx->rx_queue_index;
  asm volatile("%0 <<= 64" : "+r"(hash));
  return hash ? XDP_DROP : XDP_PASS;
}
