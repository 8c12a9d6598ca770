// rule: meta-bounds
// code: pkt-bounds
// message: metadata
// why: 4 bytes of metadata are checked, 8 are read
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *meta = (void *)(long)ctx->data_meta;
  void *data = (void *)(long)ctx->data;
  if (meta + 4 > data) return XDP_PASS;
  return *(volatile __u64 *)meta == 7 ? XDP_DROP : XDP_PASS;  // <-- refused
}
