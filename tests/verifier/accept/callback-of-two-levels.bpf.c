// why: a loop in the body of a loop
#include "prelude.bpf.inc"

struct sums {
  __u64 inner, outer;
};

static long add(__u32 index, struct sums *sums) {
  sums->inner += index;
  return index == 9;
}

static long again(__u32 index, struct sums *sums) {
  sums->outer++;
  bpf_loop(index & 15, add, sums, 0);
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct sums sums = {};
  bpf_loop((ctx->rx_queue_index & 63) + 20, again, &sums, 0);
  return XDP_PASS;
}
