// The address of the context is written into the frame.
// patch: line 12: write `ctx->rx_queue_index` instead of `(__u64)ctx`
// kernel: accepts, because root may store pointers in packets (docs/differences.md)
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u64 *cookie = data;
  if ((void *)(cookie + 1) > data_end) return XDP_PASS;
  *cookie = (__u64)ctx;
  return XDP_TX;
}
