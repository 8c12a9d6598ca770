// rule: arg-format
// code: arg-type
// why: a conversion has no argument
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  static const char format[] = "%u of %u";
  __u64 number = 1;
  char text[16];
  return bpf_snprintf(text, sizeof(text), format, &number, sizeof(number)) > 0 ? XDP_PASS : XDP_DROP;  // <-- refused
}
