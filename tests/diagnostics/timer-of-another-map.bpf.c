// The timer is made for another map than it lies in.
// patch: line 32: write `&flows` instead of `&others`
#include "../verifier/prelude.bpf.inc"

struct flow {
  struct bpf_timer timer;
  __u64 frames;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, struct flow);
} others SEC(".maps");

static int expired(void *map, __u32 *key, struct flow *flow) {
  flow->frames = 0;
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  bpf_timer_init(&flow->timer, &others, 1);
  bpf_timer_set_callback(&flow->timer, expired);
  bpf_timer_start(&flow->timer, 1000000000, 0);
  return XDP_PASS;
}
