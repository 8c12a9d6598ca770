// The size given with the format is more than the string has.
#include "../verifier/prelude.bpf.inc"

static const char format[] = "queue %d\n";

SEC("xdp")
int program(struct xdp_md *ctx) {
  bpf_trace_printk(format, 64, ctx->rx_queue_index);
  return XDP_PASS;
}
