// why: helpers write into records and read from them
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
  __u8 *bytes = bpf_ringbuf_reserve(&events, 16, 0);
  if (!bytes) return XDP_ABORTED;
  if (bpf_xdp_load_bytes(ctx, 0, bytes, 14)) {
    bpf_ringbuf_discard(bytes, 0);
    return XDP_DROP;
  }
  bytes[14] = bytes[15] = 0;
  bpf_ringbuf_output(&events, bytes, 16, 0);
  bpf_ringbuf_submit(bytes, 0);
  return XDP_PASS;
}
