// rule: arg-map-type
// code: arg-map-type
// why: the stages were put into an ARRAY instead of a PROG_ARRAY
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} stages SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  bpf_tail_call(ctx, &stages, 0);  // <-- refused
  return XDP_PASS;
}
