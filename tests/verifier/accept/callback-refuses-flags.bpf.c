// why: flags are judged when it runs
#include "prelude.bpf.inc"

static long go_on(__u32 index, void *context) { return 0; }

SEC("xdp")
int program(struct xdp_md *ctx) {
  long flags = bpf_loop(10, go_on, 0, 1), many = bpf_loop(1 << 24, go_on, 0, 0);
  return flags == -22 && many == -7 ? XDP_PASS : XDP_DROP;
}
