// rule: timer-return
// code: callback-return
// why: a callback of a timer returns 0 and nothing else
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

static int expired(void *map, __u32 *key, struct flow *flow) {
  flow->expired += 1;
  return flow->packets & 1;  // <-- refused
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  bpf_timer_set_callback(&flow->timer, expired);
  return XDP_PASS;
}
