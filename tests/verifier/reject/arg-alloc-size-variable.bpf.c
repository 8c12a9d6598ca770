// rule: arg-alloc-size
// code: arg-size
// why: later accesses are judged by the size
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
  __u32 size = ctx->rx_queue_index & 31;
  __u8 *bytes = bpf_ringbuf_reserve(&events, size, 0);  // <-- refused
  if (!bytes) return XDP_ABORTED;
  bpf_ringbuf_submit(bytes, 0);
  return XDP_PASS;
}
