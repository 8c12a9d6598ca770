// why: two records at once, in a loop
#include "prelude.bpf.inc"

struct event {
  __u32 length;
  __u32 queue;
};
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  for (int i = 0; i < 4; i++) {
    struct event *first = bpf_ringbuf_reserve(&events, sizeof(*first), 0);
    if (!first) return XDP_ABORTED;
    struct event *second = bpf_ringbuf_reserve(&events, sizeof(*second), 0);
    if (second) {
      second->queue = i;
      second->length = 0;
      bpf_ringbuf_submit(second, 0);
    }
    first->queue = i + 100;
    first->length = 0;
    bpf_ringbuf_submit(first, 0);
  }
  return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > 48 ? XDP_DROP : XDP_PASS;
}
