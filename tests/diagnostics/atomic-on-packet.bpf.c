// A counter in the packet is added to atomically.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u32 *hops = data + 16;
  if ((void *)(hops + 1) > data_end) return XDP_PASS;
  __sync_fetch_and_add(hops, 1);
  return XDP_TX;
}
