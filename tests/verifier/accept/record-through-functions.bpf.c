// why: a record is reserved by one function and submitted by another
#include "prelude.bpf.inc"

struct event {
  __u32 length;
  __u32 queue;
};
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

static __attribute__((noinline)) struct event *open_event(void) {
  return bpf_ringbuf_reserve(&events, sizeof(struct event), 0);
}

static __attribute__((noinline)) void close_event(struct event *event, __u32 queue) {
  event->queue = queue;
  event->length = 1;
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct event *event = open_event();
  if (!event) return XDP_ABORTED;
  close_event(event, ctx->rx_queue_index);
  return XDP_PASS;
}
