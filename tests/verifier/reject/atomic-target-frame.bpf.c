// rule: atomic-target
// code: atomic-target
// why: a field of the frame is added to atomically
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  if (data + 8 > data_end) return XDP_PASS;
  __sync_fetch_and_add((__u64 *)data, 1);  // <-- refused
  return XDP_PASS;
}
