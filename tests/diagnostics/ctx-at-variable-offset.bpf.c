// The field to read is computed.
// patch: before line 10: __u32 port = *(volatile __u32 *)&ctx->ingress_ifindex, queue = *(volatile __u32 *)&ctx->rx_queue_index;
// patch: line 10: write `(which & 1 ? port : queue) == 0` instead of `fields[which] == 0`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 *fields = (__u32 *)ctx;
  __u32 which = bpf_get_prandom_u32() & 3;
  if (fields[which] == 0) return XDP_DROP;
  return XDP_PASS;
}
