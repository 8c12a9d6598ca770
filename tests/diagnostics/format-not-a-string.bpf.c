// The format is passed without memory behind it.
// patch: line 7: write `"queue\n", 7` instead of `(const char *)(long)ctx->rx_queue_index, 8`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  bpf_trace_printk((const char *)(long)ctx->rx_queue_index, 8);
  return XDP_PASS;
}
