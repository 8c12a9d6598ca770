// The format is passed without memory behind it.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  bpf_trace_printk((const char *)(long)ctx->rx_queue_index, 8);
  return XDP_PASS;
}
