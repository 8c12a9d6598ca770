// why: the callback takes the lock in the value, submits a record and calls another function back
#include "prelude.bpf.inc"

struct flow {
  struct bpf_spin_lock lock;
  __u32 packets;
  struct bpf_timer timer;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

static long body(__u32 index, void *context) {
  *(__u32 *)context += index;
  return 0;
}

static int expired(void *map, __u32 *key, struct flow *flow) {
  __u32 sum = 0;
  __u32 *event = bpf_ringbuf_reserve(&events, 4, 0);
  bpf_loop(3, body, &sum, 0);
  if (event) {
    *event = *key;
    bpf_ringbuf_submit(event, 0);
  }
  bpf_spin_lock(&flow->lock);
  flow->packets += sum;
  bpf_spin_unlock(&flow->lock);
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index & 3;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  bpf_timer_init(&flow->timer, &flows, 1);
  bpf_timer_set_callback(&flow->timer, expired);
  bpf_timer_start(&flow->timer, 10, 0);
  return XDP_PASS;
}
