// rule: lock-left
// code: lock
// why: the callback keeps the lock
#include "prelude.bpf.inc"

struct flow {
  struct bpf_spin_lock lock;
  __u32 packets;
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
  bpf_spin_lock(&flow->lock);
  flow->expired += 1;
  return 0;  // <-- refused
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  bpf_timer_set_callback(&flow->timer, expired);
  return XDP_PASS;
}
