// A global function has the bytes that its argument's type has, whatever it was given.
// patch: line 10: write `struct pair *first` instead of `__u32 *first`
// patch: line 18: write `&pair` instead of `&pair.first`
#include "../verifier/prelude.bpf.inc"

struct pair {
  __u32 first, second;
};

__attribute__((noinline)) int last(__u32 *first) {
  if (!first) return 0;
  return ((struct pair *)first)->second;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct pair pair = {1, ctx->rx_queue_index};
  return last(&pair.first) & 1 ? XDP_DROP : XDP_PASS;
}
