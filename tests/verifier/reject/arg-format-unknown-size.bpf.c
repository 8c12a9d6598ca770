// rule: arg-format
// code: arg-type
// why: there may be no argument at all
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  static const char format[] = "%u";
  __u64 numbers[2] = {1, 2};
  char text[16];
  __u32 size = ctx->rx_queue_index & 8;
  return bpf_snprintf(text, sizeof(text), format, numbers, size) > 0 ? XDP_PASS : XDP_DROP;  // <-- refused
}
