// why: the function is called at once as well, and handed to a timer by a global function
#include "prelude.bpf.inc"

struct flow {
  __u64 packets;
  struct bpf_timer timer;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");

static __attribute__((noinline)) int expired(void *map, __u32 *key, struct flow *flow) {
  flow->packets += *key;
  return 0;
}

__attribute__((noinline)) int arm(__u32 key) {
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return 1;
  bpf_timer_init(&flow->timer, &flows, 1);
  bpf_timer_set_callback(&flow->timer, expired);
  return bpf_timer_start(&flow->timer, 100, 0);
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index & 7;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  expired(&flows, &key, flow);
  return arm(key) ? XDP_DROP : XDP_PASS;
}
