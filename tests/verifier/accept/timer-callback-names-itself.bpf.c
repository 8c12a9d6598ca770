// why: the callback sets itself again, and another one that sets it: no recursion, each call is a later one
#include "prelude.bpf.inc"

struct flow {
  __u64 packets;
  struct bpf_timer timer;
  __u32 expired;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");

static int tick(void *map, __u32 *key, struct flow *flow);

static int tock(void *map, __u32 *key, struct flow *flow) {
  flow->expired += 1;
  bpf_timer_set_callback(&flow->timer, tick);
  bpf_timer_start(&flow->timer, 0, 0);
  return 0;
}

static int tick(void *map, __u32 *key, struct flow *flow) {
  struct flow *next;
  __u32 index = *key + 1;
  bpf_timer_set_callback(&flow->timer, flow->expired & 1 ? tock : tick);
  bpf_timer_start(&flow->timer, 0, 0);
  next = bpf_map_lookup_elem(&flows, &index);
  if (next) next->packets += 1;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index & 15;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  if (bpf_timer_init(&flow->timer, &flows, 0) == 0) bpf_timer_set_callback(&flow->timer, tick);
  bpf_timer_start(&flow->timer, 500, 0);
  return XDP_PASS;
}
