// The field is for devmap programs only.
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  if (ctx->egress_ifindex == 2) return XDP_DROP;
  return XDP_PASS;
}
