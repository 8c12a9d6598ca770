// rule: arg-format
// code: arg-type
// why: arguments have 8 bytes each
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  static const char format[] = "%u";
  __u64 numbers[2] = {1, 2};
  char text[16];
  return bpf_snprintf(text, sizeof(text), format, numbers, 12) > 0 ? XDP_PASS : XDP_DROP;  // <-- refused
}
