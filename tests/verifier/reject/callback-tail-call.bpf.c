// rule: callback-tail-call
// code: bad-call
// why: nobody would come back to the loop
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} stages SEC(".maps");

static long body(__u32 index, struct xdp_md **ctx) {
  bpf_tail_call(*ctx, &stages, 0);  // <-- refused
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct xdp_md *copy = ctx;
  return bpf_loop(4, body, &copy, 0) ? XDP_DROP : XDP_PASS;
}
