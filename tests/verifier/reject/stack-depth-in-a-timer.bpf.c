// rule: stack-depth
// code: stack-depth
// why: what a timer calls has 512 bytes of stack with all that it calls
#include "prelude.bpf.inc"

struct flow {
  __u64 packets;
  struct bpf_timer timer;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct flow);
} flows SEC(".maps");

static __attribute__((noinline)) int inner(__u32 *key) {
  volatile __u64 buffer[40];
  buffer[*key & 31] = 1;
  return buffer[1] == 1;
}

static int expired(void *map, __u32 *key, struct flow *flow) {
  volatile __u64 buffer[40];
  buffer[*key & 31] = 1;
  flow->packets = buffer[3] + inner(key);  // <-- refused
  return 0;
}

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  bpf_timer_set_callback(&flow->timer, expired);
  return XDP_PASS;
}
