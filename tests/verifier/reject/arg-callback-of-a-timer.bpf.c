// rule: arg-callback
// code: arg-type
// why: a number is no function
#include "prelude.bpf.inc"

struct flow {
  __u64 packets;
  struct bpf_timer timer;
  __u32 expired;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  bpf_timer_set_callback(&flow->timer, (void *)1);  // <-- refused
  return XDP_PASS;
}
