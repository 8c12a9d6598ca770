// rule: lock-call
// code: lock
// why: a timer is armed while a lock is held
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

SEC("xdp")
int program(struct xdp_md *ctx) {
  __u32 key = ctx->rx_queue_index;
  struct flow *flow = bpf_map_lookup_elem(&flows, &key);
  if (!flow) return XDP_PASS;
  bpf_spin_lock(&flow->lock);
  bpf_timer_start(&flow->timer, 1, 0);  // <-- refused
  bpf_spin_unlock(&flow->lock);
  return XDP_PASS;
}
