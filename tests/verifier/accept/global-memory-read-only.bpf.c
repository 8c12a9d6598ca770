// why: memory that may not be written is followed into the function
// kernel: refuses, because what a global function is lent it may write
#include "prelude.bpf.inc"

struct ports {
  __u16 first, last;
};
const volatile struct ports allowed = {80, 443};

__attribute__((noinline)) int within(const struct ports *ports, __u16 port) {
  if (!ports) return 0;
  return port >= ports->first && port <= ports->last;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  return within((const struct ports *)&allowed, ctx->rx_queue_index) ? XDP_PASS : XDP_DROP;
}
