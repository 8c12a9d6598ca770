// The field to read is computed.
// patch: line 9: write `(which & 1 ? ctx->ingress_ifindex : ctx->rx_queue_index) == 0` instead of `fields[which] == 0`
#include "../verifier/prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 *fields = (__u32 *)ctx;
  __u32 which = bpf_get_prandom_u32() & 3;
  if (fields[which] == 0) return XDP_DROP;
  return XDP_PASS;
}
