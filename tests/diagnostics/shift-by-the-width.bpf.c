// Assembler shifts by all 64 bits.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 hash = ctx->rx_queue_index;
  asm volatile("%0 <<= 64" : "+r"(hash));
  return hash ? XDP_DROP : XDP_PASS;
}
