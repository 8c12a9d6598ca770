// rule: arg-string
// code: arg-type
// why: text on the stack may change between the check and the call
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  char text[8] = "eth0";
  char name[8] = {};
  return bpf_strncmp(name, sizeof(name), text) ? XDP_PASS : XDP_DROP;  // <-- refused
}
