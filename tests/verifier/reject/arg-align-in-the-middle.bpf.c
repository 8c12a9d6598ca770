// rule: arg-align
// code: arg-type
// why: the helper reads and writes the number as a whole
#include "prelude.bpf.inc"

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u64 lengths[2] = {};
  __u32 *length = (__u32 *)((char *)lengths + 2);
  if (bpf_check_mtu(ctx, 0, length, 0, 0)) return XDP_DROP;  // <-- refused
  return lengths[0] ? XDP_PASS : XDP_DROP;
}
