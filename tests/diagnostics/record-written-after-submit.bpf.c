// A member is written when the record is the reader's already.
// patch: before line 20: event->queue = 1;
// patch: remove line 21: event->queue = 1;
#include "../verifier/prelude.bpf.inc"

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
  event->length = 0;
  bpf_ringbuf_submit(event, 0);
  event->queue = 1;
  return XDP_PASS;
}
