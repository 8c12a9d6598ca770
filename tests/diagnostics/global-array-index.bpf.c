// A global array is indexed by an interface number.
#include "../verifier/prelude.bpf.inc"

__u64 frames[8];

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 port = ctx->ingress_ifindex;
  frames[port] += 1;
  return XDP_PASS;
}
