// rule: none
// code: too-complex
// why: each round of the outer loop starts with another number that counts later
#include "prelude.bpf.inc"

struct sums {
  __u64 inner, outer;
};

static long add(__u32 index, struct sums *sums) {
  sums->inner += index;
  return sums->inner > 1000;
}

static long again(__u32 index, struct sums *sums) {
  sums->outer++;
  bpf_loop(index & 15, add, sums, 0);
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct sums sums = {};
  bpf_loop(ctx->rx_queue_index + 20, again, &sums, 0);  // <-- refused
  return sums.inner > sums.outer ? XDP_PASS : XDP_DROP;
}
