// Every round of the loop reads a byte that only the first round's check covers.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  void *data_end = (void *)(long)ctx->data_end;
  __u8 *label = data + 54;
  if ((void *)(label + 1) > data_end) return XDP_PASS;
  for (int i = 0; i < 8; i++) {
    if (*label == 0) return XDP_DROP;
    label += *label + 1;
  }
  return XDP_PASS;
}
