// The field is for devmap programs only.
// patch: line 5: write `SEC("xdp/devmap")` instead of `SEC("xdp")`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  if (ctx->egress_ifindex == 2) return XDP_DROP;
  return XDP_PASS;
}
