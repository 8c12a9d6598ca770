// A global function is verified on its own: the bound its caller checks does not count.
#include "../verifier/prelude.bpf.inc"

__u64 frames[8];

__attribute__((noinline)) int count(__u32 port) {
  frames[port] += 1;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 port = ctx->ingress_ifindex;
  if (port < 8) count(port);
  return XDP_PASS;
}
