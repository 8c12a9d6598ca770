// why: a constant format, its arguments, and bytes that may stay unwritten
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  static const char format[] = "%u:%c %llx";
  __u64 numbers[3] = {ctx->rx_queue_index, 'q', ctx->ingress_ifindex};
  char text[24];
  long length = bpf_snprintf(text, sizeof(text), format, numbers, sizeof(numbers));
  return length > 0 && text[20] == 'x' ? XDP_DROP : XDP_PASS;
}
