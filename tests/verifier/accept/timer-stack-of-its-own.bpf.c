// why: the callback has 512 bytes of stack of its own, whatever the program takes
#include "prelude.bpf.inc"

struct flow {
  __u64 packets;
  struct bpf_timer timer;
  __u32 expired;
};
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");

static int expired(void *map, __u32 *key, struct flow *flow) {
  volatile char room[400];
  room[*key & 255] = 1;
  flow->expired += room[3];
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  volatile char room[400];
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  room[key & 255] = 1;
  if (!flow) return XDP_PASS;
  bpf_timer_init(&flow->timer, &flows, 7);
  bpf_timer_set_callback(&flow->timer, expired);
  bpf_timer_start(&flow->timer, room[1], 1);
  return XDP_PASS;
}
