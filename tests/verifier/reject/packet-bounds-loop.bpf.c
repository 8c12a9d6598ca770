// rule: packet-bounds
// code: pkt-bounds
// why: the loop reads 32 bytes, 20 are checked
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  unsigned sum = 0;
  if ((void *)(data + 20) > data_end) return XDP_PASS;
#pragma clang loop unroll(disable)
  for (int i = 0; i < 32; i++) {
    sum += data[i];  // <-- refused
    barrier_var(sum);
  }
  return sum == 7 ? XDP_DROP : XDP_PASS;
}
