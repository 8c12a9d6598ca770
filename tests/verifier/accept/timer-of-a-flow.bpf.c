// why: a timer is made, armed and cancelled; its callback uses the map, the key and the value, and arms it again
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
  flow->expired += *key;
  if (flow->packets > 3) {
    bpf_map_delete_elem(map, key);
    return 0;
  }
  bpf_timer_start(&flow->timer, 1000, 0);
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) {
    struct flow fresh = {};
    bpf_map_update_elem(&flows, &key, &fresh, BPF_ANY);
    flow = bpf_map_lookup_elem(&flows, &key);
    if (!flow) return XDP_PASS;
    bpf_timer_init(&flow->timer, &flows, 1);
    bpf_timer_set_callback(&flow->timer, expired);
  }
  flow->packets += 1;
  if (flow->packets & 8) return bpf_timer_cancel(&flow->timer) ? XDP_DROP : XDP_PASS;
  return bpf_timer_start(&flow->timer, 1000000, 0) ? XDP_ABORTED : XDP_PASS;
}
