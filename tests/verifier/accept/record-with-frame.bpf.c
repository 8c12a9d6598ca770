// why: a record of the stack and of the frame goes to the reader of this CPU; what is read may be of no bytes
#include "prelude.bpf.inc"

struct event {
  __u32 length;
  __u32 queue;
};
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __type(key, __u32);
  __type(value, __u32);
} events SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  struct event event = {ctx->data_end - ctx->data, ctx->rx_queue_index};
  __u64 flags = BPF_F_CURRENT_CPU | (__u64)(event.length & 0x3f) << 32;
  long error = bpf_perf_event_output(ctx, &events, flags, &event, event.length & 8);
  return error == 0 ? XDP_PASS : error < -4095 ? XDP_TX : XDP_DROP;
}
