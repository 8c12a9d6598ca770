// rule: arg-record
// code: arg-type
// why: a record is given back twice
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
  event->length = event->queue = 0;
  bpf_ringbuf_submit(event, 0);
  bpf_ringbuf_discard(event, 0);  // <-- refused
  return XDP_PASS;
}
