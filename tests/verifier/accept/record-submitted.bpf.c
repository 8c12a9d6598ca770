// why: a record is submitted on one way, discarded on the other
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
  struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) return XDP_ABORTED;
  event->length = ctx->data_end - ctx->data;
  event->queue = ctx->rx_queue_index;
  if (event->length < 60) {
    bpf_ringbuf_discard(event, 0);
    return XDP_DROP;
  }
  bpf_ringbuf_submit(event, 0);
  return XDP_PASS;
}
