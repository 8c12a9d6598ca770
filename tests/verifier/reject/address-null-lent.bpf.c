// why: whoever calls a global function may pass null, and it is verified for that
// rule: address-null
// code: null-deref
#include "prelude.bpf.inc"

struct tally {
  __u64 packets, bytes;
};

__attribute__((noinline)) int add(struct tally *tally) {
  return ++tally->packets & 1;  // <-- refused
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct tally own = {2, ctx->rx_queue_index};
  return add(&own) ? XDP_DROP : XDP_PASS;
}
