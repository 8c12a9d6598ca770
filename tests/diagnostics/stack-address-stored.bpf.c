// A function leaves the address of its own variable in its caller's.
// patch: line 11: write `list->head = (void *)(long)item;` instead of `list->head = &item;`
#include "../verifier/prelude.bpf.inc"

struct list {
  __u32 *volatile head;
};

static __noinline int fill(struct list *list, struct xdp_md *ctx) {
  __u32 item = ctx->rx_queue_index;
  list->head = &item;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct list list = {};
  fill(&list, ctx);
  return list.head ? XDP_DROP : XDP_PASS;
}
