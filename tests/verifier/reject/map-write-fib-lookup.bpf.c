// rule: map-write
// code: map-access
// why: a look-up writes its answer over the question
#include "prelude.bpf.inc"

const struct bpf_fib_lookup question = {};

SEC("xdp")
int program(struct xdp_md *ctx) {
  return bpf_fib_lookup(ctx, (void *)&question, sizeof(question), 0) ? XDP_PASS : XDP_DROP;  // <-- refused
}
