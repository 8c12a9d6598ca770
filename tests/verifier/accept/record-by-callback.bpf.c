// why: a body gives back what it takes
#include "prelude.bpf.inc"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} ring SEC(".maps");

static long send(__u32 index, __u32 *sent) {
  __u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);
  if (!record) return 1;
  *record = index;
  bpf_ringbuf_submit(record, 0);
  *sent += 1;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 sent = 0;
  bpf_loop(6, send, &sent, 0);
  return sent > 3 ? XDP_PASS : XDP_DROP;
}
