// why: a global function has as many bytes as the type of its argument, whatever it was given
// rule: memory-bounds
// code: mem-bounds
#include "prelude.bpf.inc"

struct pair {
  __u32 first, second;
};

__attribute__((noinline)) int last(__u32 *first) {
  if (!first) return 0;
  return ((struct pair *)first)->second;  // <-- refused
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct pair pair = {1, ctx->rx_queue_index};
  return last(&pair.first) & 1 ? XDP_DROP : XDP_PASS;
}
