// rule: arg-string
// code: arg-type
// why: no zero byte ends it
#include "prelude.bpf.inc"

const char text[4] = {'e', 't', 'h', '0'};

SEC("xdp")
int program(struct xdp_md *ctx) {
  char name[8] = {};
  return bpf_strncmp(name, sizeof(name), text) ? XDP_PASS : XDP_DROP;  // <-- refused
}
