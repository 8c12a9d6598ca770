// rule: arg-string
// code: arg-type
// why: a global variable may change
#include "prelude.bpf.inc"

char text[8] = "eth0";

SEC("xdp")
int program(struct xdp_md *ctx) {
  char name[8] = {};
  return bpf_strncmp(name, sizeof(name), text) ? XDP_PASS : XDP_DROP;  // <-- refused
}
