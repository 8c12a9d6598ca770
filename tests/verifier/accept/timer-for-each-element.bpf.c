// why: callbacks of other helpers make and arm timers, by the map they are handed; so does the timer's own
#include "prelude.bpf.inc"

struct flow {
  __u64 packets;
  struct bpf_timer timer;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");

static int expired(void *map, __u32 *key, struct flow *flow) {
  __u32 next = (*key + 1) & 3;
  struct flow *other = bpf_map_lookup_elem(map, &next);
  if (bpf_timer_init(&flow->timer, map, 1) == 0) flow->packets = 0;
  if (other) bpf_timer_cancel(&other->timer);
  flow->packets += 1;
  return 0;
}

static long arm(void *map, __u32 *key, struct flow *flow, void *context) {
  if (bpf_timer_init(&flow->timer, map, 1) == 0) bpf_timer_set_callback(&flow->timer, expired);
  return bpf_timer_start(&flow->timer, *key * 100, 0) ? 1 : 0;
}

static long stop(__u32 index, void *context) {
  __u32 key = index & 3;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (flow) bpf_timer_cancel(&flow->timer);
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  if (ctx->data_end - ctx->data > 100) {
    bpf_loop(4, stop, 0, 0);
    return XDP_DROP;
  }
  return bpf_for_each_map_elem(&flows, arm, 0, 0) == 4 ? XDP_PASS : XDP_TX;
}
