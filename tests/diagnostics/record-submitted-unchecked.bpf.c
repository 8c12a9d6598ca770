// A record that may be null is submitted.
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
  bpf_ringbuf_submit(event, 0);
  return XDP_PASS;
}
